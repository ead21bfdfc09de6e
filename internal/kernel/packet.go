package kernel

// Datagrams returns how many datagrams a packet carries.
func (p *Packet) Datagrams() int {
	if p.Segment <= 0 || len(p.Data) <= p.Segment {
		return 1
	}
	return (len(p.Data) + p.Segment - 1) / p.Segment
}
