// Package build is one run of a build: from an inventory to files in place, of which
// the server was told. It takes Options and gives a Result; what must be said while it
// is at work it gives to Events. It prints nothing, and knows neither flags nor exit
// codes.
//
// # What a run does, in order
//
//  1. Look. Where nothing moved since the last run that found nothing to do, the run
//     ends here and reads no YAML (snapshot.go).
//  2. Finish what a run that was stopped had begun (lock.go).
//  3. Read the inventory, compile it and ask for advice (read.go). Lock the folders
//     that it names; whoever waited for them reads it again (prepare.go, place.go).
//  4. Ask the DNS about domains that are new, held back or due, and decide which are
//     served, by the answers, the installed lists and what is remembered (dns.go,
//     serving.go, served.go). Compile anew without those that are held back.
//  5. Keep the rows of domains that leave, until the server was restarted
//     (prepare.go, started.go).
//  6. Find out what the running server reads, and hold back what would have it refuse
//     mail (wiring.go).
//  7. Compare with the plan that was reviewed, where there is one (plan.go).
//  8. Publish. On the way the guards compare what becomes of every address before and
//     after (guards.go, installed.go), and the staged files are proved over SMTP where
//     that is wanted (proof.go). Until the first rename every fault leaves all files
//     as they were.
//  9. Give the Result to Events.
//  10. Leave the folders, and run the command that tells the server what changed
//     (onchange.go). Where it fails, the old files are put back if that is wanted
//     (restore.go).
//  11. Look once more at what the server reads. Where it reads by now what files waited
//     for, run again from 1, once, to put those in place (wiring.go).
//  12. Remember what was seen, for 1.
//
// Review is a run that stops before it writes, and Restore puts the files of an earlier
// run back. All that is compared with installed files is compared with one set, which a
// run opens once (installed.go); in place of a damaged map its text is read, and in
// place of a damaged text the copy that virtmap keeps.
//
// # What a run says
//
// Errors carry what they are about: an Accident the guards that refuse, a Foreign the
// files that a person made, an Error its Kind. Whoever calls chooses words and exit
// codes. Of an inventory with faults only ErrFaults is returned, since Events were given
// the faults.
package build
