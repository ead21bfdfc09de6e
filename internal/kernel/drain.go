package kernel

// ReceiveQueued is Receive on a socket that drains. It calls receive, which delivers
// what is queued and never waits, until that fails or s has enough.
func ReceiveQueued(s Sink, once bool, receive func(Sink) error) error {
	for {
		if err := receive(s); err != nil {
			return err
		}
		if s.Pending() && !s.Wait() || once {
			return nil
		}
	}
}
