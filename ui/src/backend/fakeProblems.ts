import type { Problem } from "./api";

function problem(kind: string, what: string, why: string, nextStep: string, retry = true): Problem {
  return { kind, what, why, nextStep, retry };
}

/** One of each kind that a bad day brings. */
export const problems = {
  offline: problem("offline", "North Cloud cannot be reached.", "This computer has no connection to it.", "Check the network and try again."),
  declined: problem("declined", "The sign-in was declined.", "“No” was chosen on the page of the service.", "Start again and agree there."),
  expired: problem("expired", "The sign-in has run out.", "The code was not entered in time.", "Get a new code."),
  clock_wrong: problem("wrong_clock", "The clock of this computer is wrong.", "The service does not take requests from another time.", "Set the clock and try again."),
  revoked: problem("signed_out", "North Cloud has ended your sign-in.", "It was revoked there, for example after a new password.", "Sign in again.", false),
  service_busy: problem("service_busy", "North Cloud is overloaded.", "It takes no further requests at the moment.", "Wait a minute and try again."),
  service_error: problem("service_busy", "Something went wrong at North Cloud.", "It answered with an error (500).", "Try again in a few minutes."),
  not_understood: problem("bad_answer", "North Cloud answered something that is not a list of games.", "Half of the page was missing.", "Try again. If it stays, look at the check-up."),
  wrong_pin: problem("bad_input", "The PIN is not right.", "The host did not take it.", "Look at the host and type it again."),
  wrong_passphrase: problem("bad_input", "The passphrase is not right.", "It did not open the sign-ins.", "Type it again, or go on without."),
  host_unreachable: problem("offline", "The host does not answer.", "It is off, asleep, or in another network.", "Turn it on and try again."),
  player_died: problem("player", "The player ended unexpectedly.", "It stopped by itself. The game still waits at the service for a moment.", "Play again to go on."),
  not_here: problem("bad_input", "This cannot be set here.", "The setting does not have this place.", "Set it in the settings of the program.", false),
  disk_full: problem("storage", "The disk is full.", "Entente could not write.", "Make room and try again."),
  shell_fault: problem("shell_fault", "Entente could not do that.", "The part behind the window did not answer.", "Close Entente and start it again."),
  not_found: problem("not_found", "This game is no longer in the library.", "The service does not list it any more.", "Go back to the library.", false),
} satisfies Record<string, Problem>;
