package portable

// refusal is empty: there are no sandboxes that refuse single calls.
type refusal struct{}
