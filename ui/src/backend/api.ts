/**
 * What the view knows of the shell: one function per user action, one event stream.
 *
 * The Rust side (`crates/app`) is the owner of these shapes. Times are Unix milliseconds, lengths of time milliseconds
 * unless the name says otherwise. Nothing here ever carries a token.
 */

/** One sentence of what happened, one of why, one next step. Every failure a user sees has this shape. */
export interface Problem {
  /** Stable name, for tests and for the text table: `offline`, `declined`, `expired`, `service_busy`, ... */
  kind: string;
  what: string;
  why: string;
  nextStep: string;
  /** The same action may work when it is tried again. */
  retry: boolean;
}

export type Result<T> = { status: "ok"; data: T } | { status: "error"; error: Problem };

// ---- accounts

export type SignInWay = "device_code" | "browser" | "guest";

export interface Account {
  provider: string;
  /** Name of the service, for people. */
  name: string;
  state: "signed_out" | "signing_in" | "signed_in" | "guest" | "expired";
  /** Who is signed in. */
  who: string | null;
  ways: SignInWay[];
  /** Last failure, until the next try. */
  problem: Problem | null;
}

export type SignInStep =
  | { step: "starting" }
  | { step: "code"; code: string; url: string; urlComplete: string | null; expiresAt: number }
  | { step: "browser"; url: string }
  | { step: "finishing" }
  | { step: "done"; who: string | null }
  | { step: "failed"; problem: Problem }
  | { step: "cancelled" };

export interface SecretsStatus {
  /** `keyring`: sealed with a key of the system; `passphrase`: with one of the user; `memory`: gone at the end. */
  kept: "keyring" | "passphrase" | "locked" | "memory";
  why: string;
}

// ---- library

export interface LibraryQuery {
  search: string;
  sort: "recent" | "name" | "added" | "playtime";
  providers: string[];
  genres: string[];
  /** Only titles that can be played now without buying. */
  playable: boolean;
  favourites: boolean;
  hidden: boolean;
  offset: number;
  limit: number;
}

export interface Card {
  id: string;
  title: string;
  /** Picture address that the view may show, or null: draw the title's own plate. */
  art: string | null;
  favourite: boolean;
  hidden: boolean;
  providers: string[];
  genres: string[];
  lastPlayed: number | null;
  playtimeSeconds: number;
  playable: boolean;
  /** A game that waits for us to come back. */
  running: boolean;
}

export interface LibraryPage {
  cards: Card[];
  total: number;
  /** When the newest provider list came, null = never. */
  asOf: number | null;
  refreshing: boolean;
  /** Per provider: what went wrong at the last refresh. */
  problems: { provider: string; problem: Problem }[];
  genres: string[];
}

export interface Edition {
  id: string;
  provider: string;
  providerName: string;
  /** Where it runs: a region, a console, a computer. */
  place: string;
  entitlement: "owned" | "subscription" | "free" | "none" | "unknown";
  entitledUntil: number | null;
  /** Best picture there: for example `1920x1080 at 60`. */
  quality: string | null;
  pingMs: number | null;
  /** Waiting time the service gives, in seconds; null = none known. */
  queueSeconds: number | null;
  queuePosition: number | null;
  running: boolean;
  available: boolean;
  why: string | null;
}

export interface CardDetail {
  card: Card;
  description: string;
  hero: string | null;
  year: number | null;
  players: string | null;
  inputs: ("pad" | "keyboard" | "touch")[];
  editions: Edition[];
  /** Edition that "Play" takes. */
  best: string | null;
  /** Editions were joined or split by hand. */
  byHand: boolean;
}

// ---- hosts

export interface Host {
  id: string;
  name: string;
  kind: string;
  address: string;
  state: "online" | "asleep" | "offline" | "unknown";
  paired: boolean;
  canWake: boolean;
  problem: Problem | null;
}

// ---- play

export type PlayState =
  | { state: "idle" }
  | { state: "queued"; title: string; position: number; of: number | null; etaSeconds: number | null }
  | { state: "starting"; title: string; stage: string; stages: string[] }
  | { state: "playing"; title: string; since: number }
  | { state: "ended"; report: AfterPlay }
  | { state: "failed"; title: string; problem: Problem; canPlayAgain: boolean };

export interface Figure {
  name: string;
  value: string;
  grade: "good" | "fair" | "poor" | "none";
  explained: string;
}

export interface AfterPlay {
  cardId: string | null;
  title: string;
  ended: string;
  seconds: number;
  score: number | null;
  figures: Figure[];
  advice: string[];
  /** The report file, for those who want all figures. */
  file: string | null;
}

// ---- settings

export type SettingValue = boolean | number | string;
export type Layer = "default" | "network" | "host" | "game" | "user";

export interface Setting {
  key: string;
  section: string;
  /** Text keys are `settings.<key>.name` and `settings.<key>.help`. */
  kind:
    | { type: "toggle" }
    | { type: "choice"; options: string[] }
    | { type: "number"; min: number; max: number; step: number; unit: string }
    | { type: "text" };
  value: SettingValue;
  defaultValue: SettingValue;
  /** Layers in which it may be set; without them it can only be set for the user. */
  allowed?: Layer[];
  /** Where the value comes from, strongest first. */
  layers: { layer: Layer; scope: string | null; value: SettingValue }[];
}

// ---- doctor

export interface Check {
  id: string;
  name: string;
  state: "good" | "warning" | "bad" | "skipped" | "running";
  found: string;
  nextStep: string | null;
}

export interface About {
  version: string;
  licence: string;
  parts: { name: string; version: string; licence: string }[];
  folders: { name: string; path: string }[];
}

// ---- events from the shell

export type ShellEvent =
  | { event: "accounts"; accounts: Account[] }
  | { event: "sign_in"; provider: string; step: SignInStep }
  | { event: "library_changed" }
  | { event: "refresh"; provider: string; done: number; total: number | null; finished: boolean }
  | { event: "hosts"; hosts: Host[] }
  | { event: "play"; play: PlayState }
  | { event: "settings_changed" }
  | { event: "check"; check: Check }
  /** A press on a controller, already mapped; repeats come as further presses. */
  | { event: "pad"; button: "up" | "down" | "left" | "right" | "accept" | "back" | "menu" | "search" | "previous" | "next" }
  /**
   * Something outside wants the view to go somewhere: `library`, `settings`, `accounts`, `hosts`, `doctor`,
   * `card/<card or edition id>`, or `play/<edition id>`, which any web page can ask for and which only asks the user.
   */
  | { event: "open"; target: string }
  | { event: "note"; problem: Problem };

export interface Backend {
  accounts(): Promise<Result<Account[]>>;
  secrets(): Promise<Result<SecretsStatus>>;
  unlockSecrets(passphrase: string): Promise<Result<SecretsStatus>>;
  keepSecretsInMemory(): Promise<Result<SecretsStatus>>;
  signIn(provider: string, way: SignInWay): Promise<Result<null>>;
  cancelSignIn(provider: string): Promise<Result<null>>;
  signOut(provider: string): Promise<Result<null>>;
  openSignInPage(provider: string): Promise<Result<null>>;

  library(query: LibraryQuery): Promise<Result<LibraryPage>>;
  card(id: string): Promise<Result<CardDetail>>;
  refresh(): Promise<Result<null>>;
  cancelRefresh(): Promise<Result<null>>;
  setFavourite(id: string, on: boolean): Promise<Result<null>>;
  setHidden(id: string, on: boolean): Promise<Result<null>>;
  split(editionId: string): Promise<Result<null>>;
  join(cardId: string, otherCardId: string): Promise<Result<null>>;

  hosts(): Promise<Result<Host[]>>;
  addHost(address: string): Promise<Result<Host>>;
  pair(hostId: string, pin: string): Promise<Result<null>>;
  wake(hostId: string): Promise<Result<null>>;
  forgetHost(hostId: string): Promise<Result<null>>;

  play(editionId: string): Promise<Result<null>>;
  playState(): Promise<Result<PlayState>>;
  cancelPlay(): Promise<Result<null>>;
  stopPlay(): Promise<Result<null>>;
  dismissReport(): Promise<Result<null>>;
  /** Ends a game that waits at its service for the player to come back. */
  endRunning(editionId: string): Promise<Result<null>>;

  /** Every setting as it counts with this service (provider) and in this game (edition without its place). */
  settings(host: string | null, game: string | null): Promise<Result<Setting[]>>;
  setSetting(key: string, layer: Layer, scope: string | null, value: SettingValue): Promise<Result<null>>;
  resetSetting(key: string, layer: Layer, scope: string | null): Promise<Result<null>>;

  doctor(): Promise<Result<Check[]>>;
  about(): Promise<Result<About>>;
  openFolder(name: string): Promise<Result<null>>;
  quit(): Promise<Result<null>>;

  /** Returns the function that ends the subscription. */
  listen(handler: (event: ShellEvent) => void): Promise<() => void>;
}
