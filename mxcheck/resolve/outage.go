package resolve

import (
	"sync/atomic"
	"time"
)

// An outage is a time in which no server answers. During an outage questions
// fail at once. Only one question a second is still asked, to find out whether
// the outage is over. A name without an answer does not make an outage: the
// servers must also leave a question for the root unanswered.
type outage struct {
	budget   time.Duration // how long all tries of one question take
	patience time.Duration // how long servers that have answered before may be silent

	heard      atomic.Int64 // UnixNano of the last packet from any server; 0: none yet
	since      atomic.Int64 // UnixNano of the first lost try after that packet; 0: none
	lost       atomic.Int64 // number of lost tries since then
	trial      atomic.Int64 // UnixNano of the last question that was asked during an outage
	confirming atomic.Bool  // the question for the root is being asked
	confirmed  atomic.Bool  // there is an outage
}

// enoughLost is the number of lost tries from which an outage is likely.
const enoughLost = 16

// packetArrived ends the outage.
func (o *outage) packetArrived() {
	o.heard.Store(time.Now().UnixNano())
	if o.lost.Load() != 0 {
		o.lost.Store(0)
		o.since.Store(0)
	}
	if o.confirmed.Load() {
		o.confirmed.Store(false)
	}
}

// tryLost counts a try that got no reply.
func (o *outage) tryLost() {
	o.since.CompareAndSwap(0, time.Now().UnixNano())
	o.lost.Add(1)
}

// unlikely reports whether other questions get their answers.
func (o *outage) unlikely() bool { return o.heard.Load() != 0 && o.lost.Load() < enoughLost }

// likely reports whether no server has answered for some time.
func (o *outage) likely() bool {
	if o.lost.Load() < enoughLost || o.confirmed.Load() {
		return false
	}
	limit := o.budget
	if o.heard.Load() != 0 {
		limit = max(limit, o.patience)
	}
	since := o.since.Load()
	return since != 0 && time.Since(time.Unix(0, since)) >= limit
}

// confirm begins the outage, unless a server has answered meanwhile.
func (o *outage) confirm() {
	if o.likely() {
		o.confirmed.Store(true)
	}
}

// allowTrial reports whether a question may be asked during the outage: one a
// second.
func (o *outage) allowTrial() bool {
	now, last := time.Now(), o.trial.Load()
	return now.Sub(time.Unix(0, last)) > time.Second && o.trial.CompareAndSwap(last, now.UnixNano())
}
