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

// A figure is a number in Stats that only grows.
type figure struct {
	name, help string
	of         func(s *udp.Stats) uint64
}

var figures = []figure{
	{"received_datagrams", "Datagrams that were received.", func(s *udp.Stats) uint64 { return s.Received }},
	{"received_bytes", "Bytes that were received.", func(s *udp.Stats) uint64 { return s.ReceivedBytes }},
	{"sent_datagrams", "Datagrams that the kernel accepted.", func(s *udp.Stats) uint64 { return s.Sent }},
	{"sent_bytes", "Bytes that the kernel accepted.", func(s *udp.Stats) uint64 { return s.SentBytes }},
	{"truncated_datagrams", "Datagrams that were cut off.", func(s *udp.Stats) uint64 { return s.Truncated }},
	{"send_dropped_datagrams", "Queued datagrams that were never sent.", func(s *udp.Stats) uint64 { return s.SendDropped }},
	{"errors", "Errors outside any call.", func(s *udp.Stats) uint64 { return s.Errors }},
	{"read_calls", "System calls that read.", func(s *udp.Stats) uint64 { return s.ReadCalls }},
	{"write_calls", "System calls that wrote.", func(s *udp.Stats) uint64 { return s.WriteCalls }},
}

// drops are why datagrams were not received.
var drops = []figure{
	{name: "kernel", of: func(s *udp.Stats) uint64 { return s.DroppedKernel }},
	{name: "overflow", of: func(s *udp.Stats) uint64 { return s.DroppedOverflow }},
	{name: "blocked", of: func(s *udp.Stats) uint64 { return s.DroppedBlocked }},
	{name: "closed", of: func(s *udp.Stats) uint64 { return s.DroppedClosed }},
}

// A collector is a Prometheus collector over a socket: one snapshot for each
// scrape.
type collector struct {
	socket  *udp.Socket
	descs   []*prometheus.Desc
	dropped *prometheus.Desc
}

func newCollector(s *udp.Socket, name string) *collector {
	c := &collector{socket: s}
	labels := prometheus.Labels{"socket": name}
	for _, f := range figures {
		c.descs = append(c.descs, prometheus.NewDesc("udp_"+f.name+"_total", f.help, nil, labels))
	}
	c.dropped = prometheus.NewDesc("udp_dropped_datagrams_total", "Datagrams that were not received.", []string{"reason"}, labels)
	return c
}

func (c *collector) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, to) }

func (c *collector) Collect(to chan<- prometheus.Metric) {
	s := c.socket.Stats()
	for i, f := range figures {
		to <- prometheus.MustNewConstMetric(c.descs[i], prometheus.CounterValue, float64(f.of(&s)))
	}
	for _, d := range drops {
		to <- prometheus.MustNewConstMetric(c.dropped, prometheus.CounterValue, float64(d.of(&s)), d.name)
	}
}

// meter observes a socket with OpenTelemetry: one snapshot for each collection.
func meter(m metric.Meter, s *udp.Socket, name string) error {
	var all []metric.Observable
	counter := func(name, help string) (metric.Int64ObservableCounter, error) {
		c, err := m.Int64ObservableCounter("udp."+name, metric.WithDescription(help))
		all = append(all, c)
		return c, err
	}
	var counters []metric.Int64ObservableCounter
	for _, f := range figures {
		c, err := counter(f.name, f.help)
		if err != nil {
			return err
		}
		counters = append(counters, c)
	}
	dropped, err := counter("dropped_datagrams", "Datagrams that were not received.")
	if err != nil {
		return err
	}
	socket := attribute.String("socket", name)
	_, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		st := s.Stats()
		for i, f := range figures {
			o.ObserveInt64(counters[i], int64(f.of(&st)), metric.WithAttributes(socket))
		}
		for _, d := range drops {
			o.ObserveInt64(dropped, int64(d.of(&st)), metric.WithAttributes(socket, attribute.String("reason", d.name)))
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
	c := newCollector(s, "test")
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
			name := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() == "reason" {
					name += " " + l.GetValue()
				}
			}
			got[name] = m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"udp_received_datagrams_total":        3,
		"udp_received_bytes_total":            12,
		"udp_sent_datagrams_total":            2,
		"udp_sent_bytes_total":                8,
		"udp_dropped_datagrams_total blocked": 1,
		"udp_dropped_datagrams_total kernel":  0,
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
	if err := meter(provider.Meter("interop"), s, "test"); err != nil {
		t.Fatal(err)
	}
	for _, open := range []bool{true, false} {
		var all metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &all); err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, m := range all.ScopeMetrics[0].Metrics {
			for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
				reason, _ := p.Attributes.Value("reason")
				got[m.Name+" "+reason.AsString()] = p.Value
			}
		}
		for name, want := range map[string]int64{
			"udp.received_datagrams ":       3,
			"udp.received_bytes ":           12,
			"udp.sent_datagrams ":           2,
			"udp.sent_bytes ":               8,
			"udp.dropped_datagrams blocked": 1,
			"udp.dropped_datagrams closed":  0,
		} {
			if v, ok := got[name]; !ok || v != want {
				t.Errorf("open %v: %q is %v (there: %v), want %v", open, name, v, ok, want)
			}
		}
		s.Close()
	}
}
