// The mean of prices, through a sum and a count.
package main

import "tidemill/aggregate"

func init() { aggregate.Of(Prices{}, (*Prices).Add, (*Prices).Merge, (*Prices).Finish) }

func main() {}

// Prices are what the host keeps while it collects them.
type Prices struct {
	Sum   float64
	Count int64
}

type Mean struct{ Mean float64 }

func (p *Prices) Add(price float64) {
	p.Sum += price
	p.Count++
}

func (p *Prices) Merge(other Prices) {
	p.Sum += other.Sum
	p.Count += other.Count
}

func (p *Prices) Finish() Mean { return Mean{p.Sum / float64(p.Count)} }
