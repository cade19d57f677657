// Package build has one run of a build: it reads an inventory, puts the files in place,
// and tells the server. A run takes Options and returns a Result. Events receive
// messages while it works. The package prints nothing, and knows neither flags nor exit
// codes.
//
// # What a run does, in order
//
//  1. Look. If nothing has changed since the last run, and that run left nothing to do, the
//     run ends here and reads no YAML (snapshot.go).
//  2. Finish the work of a run that was stopped (lock.go).
//  3. Read the inventory, compile it, and run the checks (read.go). Lock the folders that
//     the inventory names. After waiting for a lock, read it again (prepare.go, place.go).
//  4. Ask the DNS about the domains that are new, held back or due. Decide which domains are
//     served, by the answers, the installed lists and the stored memory (dns.go, serving.go,
//     served.go). Compile again without the domains that are held back.
//  5. Keep the rows of domains that leave until the server is restarted (prepare.go,
//     started.go).
//  6. Find out what the running server reads. Hold back the files with which it would refuse
//     mail (wiring.go).
//  7. With a reviewed plan, compare with the plan (plan.go).
//  8. Publish. On the way, the guards compare the outcome of every address before and after
//     (guards.go, installed.go). If the options ask for it, the staged files are proved over
//     SMTP (proof.go). Until the first rename, an error leaves all files unchanged.
//  9. Give the Result to Events.
//  10. Unlock the folders, and run the command that tells the server what changed
//     (onchange.go). If the command fails, put the old files back if the options ask for it
//     (restore.go).
//  11. Look again at what the server reads. If it now reads what some files waited for, run
//     once more from step 1, in order to put those files in place (wiring.go).
//  12. Store what was seen, for step 1.
//
// Review is a run that stops before it writes. Restore puts the files of an earlier run
// back.
//
// A run opens the installed set once, and uses it for all comparisons (installed.go).
// Of a damaged map the text is read instead, and of a damaged text virtmap's copy.
//
// # Errors
//
// An error has its details as a value: an Accident has the guards that refuse, a
// Foreign has the files that a person made, an Error has a Kind. The caller chooses
// words and exit codes. If the inventory has faults, the error is ErrFaults, and Events
// have received the faults.
package build
