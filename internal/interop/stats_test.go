package interop

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"example.com/dgram/udp"
)

// A collector gives the counters of a socket to Prometheus.
type collector struct{ s *udp.Socket }

func (c collector) Describe(chan<- *prometheus.Desc) {} // the names come with the values

func (c collector) Collect(metrics chan<- prometheus.Metric) {
	labels := prometheus.Labels{"socket": c.s.String()}
	for name, value := range c.s.Stats().All() {
		kind := prometheus.CounterValue
		if name == "waiting" { // the one number that also falls
			kind = prometheus.GaugeValue
		} else {
			name += "_total"
		}
		desc := prometheus.NewDesc("udp_"+name, "udp.Stats of a socket.", nil, labels)
		metrics <- prometheus.MustNewConstMetric(desc, kind, float64(value))
	}
}

// observe gives the counters of a socket to OpenTelemetry.
func observe(m metric.Meter, s *udp.Socket) error {
	var all []metric.Observable
	observed := map[string]metric.Int64Observable{}
	for name := range s.Stats().All() {
		var o metric.Int64Observable
		var err error
		if name == "waiting" { // the one number that also falls
			o, err = m.Int64ObservableGauge("udp." + name)
		} else {
			o, err = m.Int64ObservableCounter("udp." + name)
		}
		if err != nil {
			return err
		}
		observed[name], all = o, append(all, o)
	}
	socket := metric.WithAttributes(attribute.String("socket", s.String()))
	_, err := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for name, value := range s.Stats().All() {
			o.ObserveInt64(observed[name], int64(value), socket)
		}
		return nil
	}, all...)
	return err
}

// busy is a socket with something in its books: 3 datagrams of 4 bytes
// received, 2 of which it sent itself, and 1 kept out.
func busy(t *testing.T) *udp.Socket {
	t.Helper()
	stranger := listen(t, "udp4", "127.0.0.99:0")
	friend := listen(t, "udp4", "127.0.0.1:0")
	s := listen(t, "udp4", "127.0.0.1:0", udp.WithReceiveBlockList(only(local(t, stranger).Addr())))
	ctx := context.Background()
	for _, from := range []*udp.Socket{s, stranger, friend, s} {
		if err := from.SendTo(ctx, local(t, s), []byte("four")); err != nil {
			t.Fatal(err)
		}
	}
	v := s.PacketConn()
	for range 3 {
		if _, _, err := v.ReadFrom(make([]byte, 64)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestPrometheusCollectsStats(t *testing.T) {
	s := busy(t)
	c := collector{s}
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"udp_received_total":        3,
		"udp_received_bytes_total":  12,
		"udp_waiting":               0,
		"udp_sent_total":            2,
		"udp_sent_bytes_total":      8,
		"udp_dropped_blocked_total": 1,
		"udp_dropped_kernel_total":  0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v (there: %v), want %v", name, v, ok, want)
		}
	}
	s.Close()
	if _, err := registry.Gather(); err != nil {
		t.Errorf("after the end: %v", err)
	}
}

func TestOpenTelemetryObservesStats(t *testing.T) {
	s := busy(t)
	reader := sdk.NewManualReader()
	provider := sdk.NewMeterProvider(sdk.WithReader(reader))
	defer provider.Shutdown(context.Background())
	if err := observe(provider.Meter("interop"), s); err != nil {
		t.Fatal(err)
	}
	for _, open := range []bool{true, false} {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &all); err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, m := range all.ScopeMetrics[0].Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				got[m.Name] = data.DataPoints[0].Value
			case metricdata.Gauge[int64]:
				got[m.Name] = data.DataPoints[0].Value
			}
		}
		for name, want := range map[string]int64{
			"udp.received":        3,
			"udp.received_bytes":  12,
			"udp.waiting":         0,
			"udp.sent":            2,
			"udp.sent_bytes":      8,
			"udp.dropped_blocked": 1,
			"udp.dropped_closed":  0,
		} {
			if v, ok := got[name]; !ok || v != want {
				t.Errorf("open %v: %q is %v (there: %v), want %v", open, name, v, ok, want)
			}
		}
		s.Close()
	}
}
