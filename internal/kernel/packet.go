package kernel

// Datagrams says how many datagrams a packet carries.
func (p *Packet) Datagrams() int {
	if p.Segment <= 0 || len(p.Data) <= p.Segment {
		return 1
	}
	return (len(p.Data) + p.Segment - 1) / p.Segment
}

// Next cuts the first datagram off data, what is left of a packet's payload.
func (p *Packet) Next(data []byte) (datagram, rest []byte) {
	if p.Segment <= 0 || len(data) <= p.Segment {
		return data[:len(data):len(data)], nil
	}
	return data[:p.Segment:p.Segment], data[p.Segment:]
}
