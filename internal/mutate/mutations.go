package main

// mutations are changes that each break a documented promise.
var mutations = []mutation{
	// Where a datagram may go.
	{"udp/destination.go", "a blocked destination is refused", "if blocks(r.block, to.Addr()) {", "if false {", "Block"},
	{"udp/destination.go", "port 0 is no destination", "if to.Port() == 0 {", "if false {", "WhereADatagram"},
	{"udp/destination.go", "a connected socket takes no other destination", "if to != (netip.AddrPort{}) {\n\t\t\treturn ErrAlreadyConnected", "if false {\n\t\t\treturn ErrAlreadyConnected", "WhereADatagram"},
	{"udp/destination.go", "the source has the destination's family", "from.IsValid() && from.Is4() != to.Addr().Is4()", "false", "WhereADatagram"},
	{"udp/destination.go", "65507 bytes over IPv4", "limit = maxPayload4", "limit = maxPayload6", "WhereADatagram"},
	{"udp/destination.go", "an unknown zone is an error", "if r.system != nil && to.Addr().Zone() != \"\" {", "if false {", "Zone"},
	{"udp/destination.go", "a block list is asked without zones", "list.Contains(a.WithZone(\"\"))", "list.Contains(a)", "Block"},

	// Sending.
	{"udp/send.go", "a reply leaves from the address that was asked", "r.from, r.index = m.replySource()", "_, r.index = m.replySource()", "TestReply"},
	{"udp/send.go", "a reply to no address is an error", "if a := m.From.Addr(); !a.IsValid() || a.IsUnspecified() {", "if a := m.From.Addr(); !a.IsValid() {", "Reply"},
	{"udp/send.go", "a reply on a connected socket goes to the peer", "if ep != nil && ep.peer.IsValid() {\n\t\treturn s.Send(ctx, parts...)", "if false {\n\t\treturn s.Send(ctx, parts...)", "Reply"},
	{"udp/sender.go", "a source that the kernel refuses is left out of a reply", "if d.AnySource && d.From.IsValid() {", "if false {", "Reply"},
	{"udp/sender.go", "a source that the caller named is not replaced", "if d.AnySource && d.From.IsValid() {", "if d.From.IsValid() {", "ARefusedSource"},
	{"udp/sender.go", "no sender overtakes one that waits", "if se.waiting.Load() > 0 {\n\t\t\treturn se.sendQueued(conn, d, oob, stop)", "if false {\n\t\t\treturn se.sendQueued(conn, d, oob, stop)", "Overtaken"},
	{"udp/sender.go", "what is sent is counted", "se.s.count.send(1, n)", "_ = n", "Send"},
	{"udp/sender.go", "sending keeps no bytes", "o.d.Data, o.d.More = nil, nil", "", "Alloc|Keep|Hold|Send"},
	{"udp/batch.go", "SendBatch goes past what fails", "failures = append(failures, s.sendError(next+i, &batch[next+i], err))\n\t\t\t\treturn true", "failures = append(failures, s.sendError(next+i, &batch[next+i], err))\n\t\t\t\treturn false", "SendBatch|Route|Simulation"},
	{"udp/batch.go", "a SendError has the index", "&SendError{Index: index,", "&SendError{", "SendBatch"},
	{"udp/batch.go", "the context's error is joined", "return errors.Join(append(failures, err)...)", "return err", "SendBatch"},
	{"udp/batch.go", "a negative interface is an error", "if d.Interface < 0 {", "if d.Interface < -1 {", "QueuedDatagram"},
	{"udp/explain.go", "broadcast that is off is named", "on == 0", "on == 1", "ErrorsSay"},

	// The Outbox.
	{"udp/writersend.go", "what was queued and not sent is counted", "w.s.count.sendDropped.Add(uint64(len(w.batch) - next))", "", "QueueIs|Simulation"},
	{"udp/writer.go", "Flush fails when the socket ends", "if w.s.ending() {\n\t\t\treturn nil // a Flush must not return nil\n\t\t}", "", "Flush"},
	{"udp/writersend.go", "SendQueueSize includes what waits in the queue", "if len(w.batch) >= w.limit || w.closed {", "if true {", "QueueIs"},
	{"udp/writersend.go", "the writer holds no more than WithSendQueue", "if len(w.batch) >= w.limit || w.closed {", "if w.closed {", "QueueIs"},
	{"udp/writer.go", "what a producer queued for the last peer is not sent", "if w.stale && d.To == (netip.AddrPort{}) {", "if false {", "Peer"},
	{"udp/peerchange.go", "what is queued for one peer never goes to another", "w.fill(len(w.batch) + len(w.o.in))\n\tw.send()", "", "Peer"},
	{"udp/peerchange.go", "the queue is usable after Connect", "w.fill(w.limit)\n\tclose(change.done)", "close(change.done)", "ForTheNewPeer"},
	{"udp/outbox.go", "Flush waits for what is in the queue", "f.after = w.taken + uint64(len(w.o.in))", "f.after = w.taken", "Flush"},
	{"udp/outbox.go", "a Flush that is given up leaves nothing behind", "o.forget(f)", "", "Flush"},
	{"udp/outbox.go", "Outbox does not wait for a Bind", "s.endpoint.Load() == nil && s.addrMu.tryLock()", "s.endpoint.Load() == nil && s.addrMu.lock(nil, s.lifetime.done)", "OutboxDoes"},

	// Addresses and names.
	{"udp/resolve.go", "IPv4 comes first where both families work", "if a.Addr().Is4() {\n\t\t\treturn a", "if a.Addr().Is6() {\n\t\t\treturn a", "Lookup"},
	{"udp/resolve.go", "without IPv6 an IPv6 answer is passed over", "(a.Is4() || s.system.IPv6())", "true", "IPv6Answers"},
	{"udp/resolve.go", "a lookup holds up neither the call nor Close", "case <-ended.done:", "case <-(chan struct{})(nil):", "ALookupHolds"},
	{"udp/connect.go", "Connect goes on to the next address", "if err == nil || s.ending() {\n\t\t\treturn err", "if true {\n\t\t\treturn err", "ConnectGoesOn"},
	{"udp/connect.go", "Connect respects the send block list", "if blocks(s.cfg.sendBlock, peer.Addr()) {", "if false {", "Block"},
	{"udp/connect.go", "a socket connects once", "if ep != nil && ep.peer.IsValid() {", "if false {", "Connect"},
	{"udp/lookupcache.go", "one lookup for each name at a time", "n.pending == nil && (n.answers", "(n.answers", "LookupCache"},
	{"udp/lookupcache.go", "a failed refresh keeps the last answer", "} else if n.answers == nil && c.names[name] == n {", "} else {\n\t\tn.answers = nil", "LookupCache"},
	{"udp/lookupcache.go", "the cache is bounded", "if len(c.names) < maxCachedNames {", "if true {", "LookupCache"},
	{"udp/bind.go", "a socket is bound once", "if s.endpoint.Load() != nil {\n\t\treturn s.opErrorText(\"bind\", address, ErrAlreadyBound)", "if false {\n\t\treturn s.opErrorText(\"bind\", address, ErrAlreadyBound)", "Bind"},

	// The end.
	{"udp/close.go", "Close waits for the goroutines", "_ = s.group.Wait() // its error is the cause already", "", "Close"},
	{"udp/close.go", "what lies in the kernel's buffer at the end is counted", "s.count.droppedClosed.Add(conn.Discard())", "conn.Discard()", "Conservation|Close|Account"},
	{"udp/close.go", "Err is nil after Close", "if cause := s.lifetime.cause(); cause != errClose {", "if cause := s.lifetime.cause(); true {", "Close"},
	{"udp/errors.go", "the end is named with its cause", "if cause := s.Err(); cause != nil {", "if cause := s.Err(); false {", "TheEnd"},
	{"udp/lifetime.go", "the first cause counts", "if l.ended() {\n\t\treturn false", "if false {\n\t\treturn false", "Cause|Context|Close"},
	{"udp/latch.go", "Connected is fresh after Disconnect", "case !on:\n\t\tl.ch = nil", "case !on:", "Connected"},
	{"udp/fifomutex.go", "a waiter that gives up passes the lock on", "\tm.handOff()\n}\n\n// unlock", "}\n\n// unlock", "PassesTheLock"},

	// Receiving.
	{"udp/reader.go", "the receive block list keeps datagrams out", "if list := s.cfg.receiveBlock; list != nil && blocks(list, p.From.Addr()) {", "if list := s.cfg.receiveBlock; list != nil && false {", "Block"},
	{"udp/handover.go", "what the policy drops is counted", "r.s.count.droppedOverflow.Add(uint64(n))", "", "Drop|Overflow"},
	{"udp/loan.go", "what a loop has not claimed is the next call's", "claimed -= u.left\n", "claimed -= u.left - 1\n", "Loop"},
	{"udp/loan.go", "a call recalls what a loop has not claimed", "if !l.lent {", "if true {", "Loop"},
	{"udp/reader.go", "a bound socket's address is in To", "u.head.To = to", "_ = to", "To|Packet"},
	{"udp/burst.go", "a datagram is cut to WithMaxDatagram", "return data[:limit]", "return data", "Max|Trunc"},
	{"udp/burst.go", "the last datagram of a burst may be shorter", "return min(u.segment, len(u.rest))", "return u.segment", "Burst|Offload|Simulation|Runs"},
	{"udp/messages.go", "Clone has its own bytes", "m.Data = slices.Clip(bytes.Clone(m.Data))", "_ = slices.Clip(bytes.Clone(m.Data))", "Clone"},
	{"udp/report.go", "an error equal to the last is not queued again", "if len(q.ch) > 0 && same(err, q.last) {", "if false {", "Err"},
	{"udp/streamread.go", "a call that waits ends with its context", "\tst.watch(ctx)\n", "", "AReadEnds"},
	{"udp/drain.go", "Drain flushes the Outbox", "if s.flush(context.Background()) == nil {", "if true {", "Drain"},

	// Groups.
	{"multicast/memberships.go", "a group joined twice says so", "if errors.Is(err, m.duplicateErrno()) && ms.joinedOn(m, index) {", "if false {", "Twice"},
	{"multicast/memberships.go", "leaving twice does nothing", "if m.left {\n\t\treturn nil", "if false {\n\t\treturn nil", "Twice"},
	{"multicast/watch.go", "an interface that is made again is joined again", "ms.reconcile()\n}\n\n// settled", "}\n\n// settled", "Again|Follow|Comes"},
}
