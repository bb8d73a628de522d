/**
 * A whole shell in memory, for tests and for design work. Only `fake.html` loads it; the product's entry never does
 * (the build script looks).
 */
import type {
  Account,
  Backend,
  Card,
  CardDetail,
  Host,
  Layer,
  LibraryQuery,
  PlayState,
  Problem,
  Result,
  SecretsStatus,
  Setting,
  ShellEvent,
  SignInStep,
} from "./api";
import { cards, checks, detail, editions, hosts, PROVIDER_NAMES, report, resolved, settings, STAGES } from "./fakeData";
import { problems } from "./fakeProblems";

export interface Scenario {
  titles: number;
  signedIn: boolean;
  /** Nothing was ever played. */
  fresh: boolean;
  asOfHours: number | null;
  libraryProblem: Problem | null;
  refreshProblems: { provider: string; problem: Problem }[];
  refreshing: boolean;
  secrets: SecretsStatus;
  hosts: Host[];
  play: PlayState;
  /** What pressing "play" leads to. */
  outcome: "play" | Problem;
  signIn: "done" | "declined" | "expired" | "waits";
  /** Every answer fails with this. */
  broken: Problem | null;
  /** Length of one step (a stage, a place in the queue), ms; 0 = only `next()` moves it on. */
  step: number;
}

const KEPT: SecretsStatus = { kept: "keyring", why: "" };

function base(): Scenario {
  return {
    titles: 12,
    signedIn: true,
    fresh: false,
    asOfHours: 0.05,
    libraryProblem: null,
    refreshProblems: [],
    refreshing: false,
    secrets: KEPT,
    hosts: hosts(),
    play: { state: "idle" },
    outcome: "play",
    signIn: "done",
    broken: null,
    step: 700,
  };
}

const failed = (problem: Problem): Partial<Scenario> => ({
  play: { state: "failed", title: "Meteor Mile", problem, canPlayAgain: problem.retry },
});

/** By name, as `fake.html?scenario=…` wants it. */
export const scenarios: Record<string, () => Partial<Scenario>> = {
  library: () => ({}),
  "first-run": () => ({ titles: 0, signedIn: false, fresh: true, asOfHours: null }),
  "signed-out": () => ({ signedIn: false, asOfHours: 30 }),
  "library-20000": () => ({ titles: 20_000 }),
  "library-fresh": () => ({ fresh: true }),
  empty: () => ({ titles: 0, asOfHours: 0.1 }),
  offline: () => ({ asOfHours: 50, refreshProblems: [{ provider: "demo", problem: problems.offline }] }),
  "refresh-problem": () => ({ asOfHours: 3, refreshProblems: [{ provider: "north", problem: problems.not_understood }] }),
  refreshing: () => ({ refreshing: true }),
  "library-error": () => ({ libraryProblem: problems.disk_full }),
  broken: () => ({ broken: problems.shell_fault }),
  "code-declined": () => ({ signIn: "declined" as const, signedIn: false, fresh: true, titles: 0 }),
  "code-expired": () => ({ signIn: "expired" as const, signedIn: false, fresh: true, titles: 0 }),
  "code-waits": () => ({ signIn: "waits" as const, signedIn: false, fresh: true, titles: 0 }),
  locked: () => ({ secrets: { kept: "locked", why: "The keyring of the system is locked and nobody answered its question." } }),
  memory: () => ({ secrets: { kept: "memory", why: "No keyring runs on this system." } }),
  "hosts-empty": () => ({ hosts: [] }),
  queued: () => ({ play: { state: "queued", title: "Night Ferry", position: 3, of: 8, etaSeconds: 150 }, step: 0 }),
  starting: () => ({ play: { state: "starting", title: "Night Ferry", stage: "negotiating", stages: STAGES }, step: 0 }),
  playing: () => ({ play: { state: "playing", title: "Night Ferry", since: Date.now() - 754_000 }, step: 0 }),
  "report-good": () => ({ play: { state: "ended", report: report("good") } }),
  "report-bad": () => ({ play: { state: "ended", report: report("bad") } }),
  "failed-busy": () => failed(problems.service_busy),
  "failed-player": () => failed(problems.player_died),
  "failed-revoked": () => failed(problems.revoked),
};

export class Fake implements Backend {
  private handlers = new Set<(event: ShellEvent) => void>();
  private readonly at: Scenario;
  private list: Card[];
  private known: Setting[] = settings();
  private accountList: Account[];
  private byHand = new Set<string>();
  private detached = new Map<string, string[]>();
  private joined = new Map<string, string[]>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waiting: (() => void)[] = [];
  private signing: string | null = null;
  private now = Date.now();

  constructor(name: string, change: Partial<Scenario> = {}) {
    this.at = { ...base(), ...scenarios[name]?.(), ...change };
    this.list = cards(this.at.titles, this.now, this.at.fresh);
    this.accountList = Object.keys(PROVIDER_NAMES)
      .filter((provider) => provider !== "home")
      .map((provider) => ({
        provider,
        name: PROVIDER_NAMES[provider] ?? provider,
        state: this.at.signedIn ? ("signed_in" as const) : ("signed_out" as const),
        who: this.at.signedIn ? "mira@example.org" : null,
        ways: provider === "demo" ? ["guest", "device_code", "browser"] : ["device_code", "browser"],
        problem: null,
      }));
  }

  // ---- for tests

  emit(event: ShellEvent): void {
    if (event.event === "play") this.at.play = event.play;
    for (const handler of this.handlers) handler(event);
  }

  /** The game ends by itself, as when the player window is closed. */
  endGame(kind: "good" | "bad" = "good"): void {
    this.halt();
    const title = "title" in this.at.play ? this.at.play.title : "Meteor Mile";
    this.emit({ event: "play", play: { state: "ended", report: { ...report(kind), title } } });
  }

  /** What would have come by itself comes now; false when nothing was to come. */
  next(): boolean {
    const action = this.waiting.shift();
    action?.();
    return action !== undefined;
  }

  setLook(theme: string, language: string, tv: boolean): void {
    this.put("look.theme", theme);
    this.put("look.language", language);
    this.put("look.ten_foot", tv);
  }

  // ---- the contract

  async listen(handler: (event: ShellEvent) => void): Promise<() => void> {
    this.handlers.add(handler);
    if (this.at.refreshing) setTimeout(() => this.emit({ event: "refresh", provider: "demo", done: 340, total: 1200, finished: false }), 30);
    return () => this.handlers.delete(handler);
  }

  accounts = (): Promise<Result<Account[]>> => this.answer(this.accountList);
  secrets = (): Promise<Result<SecretsStatus>> => this.answer(this.at.secrets);

  unlockSecrets = (passphrase: string): Promise<Result<SecretsStatus>> => {
    if (passphrase !== "open") return this.fail(problems.wrong_passphrase);
    this.at.secrets = { kept: "passphrase", why: "" };
    return this.answer(this.at.secrets);
  };

  keepSecretsInMemory = (): Promise<Result<SecretsStatus>> => {
    this.at.secrets = { kept: "memory", why: "" };
    return this.answer(this.at.secrets);
  };

  signIn = (provider: string, way: "device_code" | "browser" | "guest"): Promise<Result<null>> => {
    this.signing = provider;
    if (way === "guest") {
      this.account(provider, { state: "guest", problem: null });
      this.fill(true);
      return this.answer(null);
    }
    this.account(provider, { state: "signing_in", problem: null });
    const step: SignInStep =
      way === "browser"
        ? { step: "browser", url: "https://cloud.example/authorize" }
        : { step: "code", code: "KXTR-92QD", url: "https://cloud.example/device", urlComplete: "https://cloud.example/device?user_code=KXTR-92QD", expiresAt: Date.now() + 600_000 };
    this.later(() => {
      this.emit({ event: "sign_in", provider, step });
      if (this.at.signIn !== "waits") this.later(() => this.finishSignIn(provider), 3);
    }, 0.3);
    return this.answer(null);
  };

  private finishSignIn(provider: string): void {
    if (this.signing !== provider) return;
    this.signing = null;
    if (this.at.signIn === "done") {
      this.account(provider, { state: "signed_in", who: "mira@example.org" });
      this.fill(false);
      this.emit({ event: "sign_in", provider, step: { step: "done", who: "mira@example.org" } });
    } else {
      const problem = problems[this.at.signIn === "declined" ? "declined" : "expired"];
      this.account(provider, { state: "signed_out", problem });
      this.emit({ event: "sign_in", provider, step: { step: "failed", problem } });
    }
  }

  cancelSignIn = (provider: string): Promise<Result<null>> => {
    this.signing = null;
    this.halt();
    this.account(provider, { state: "signed_out" });
    this.emit({ event: "sign_in", provider, step: { step: "cancelled" } });
    return this.answer(null);
  };

  signOut = (provider: string): Promise<Result<null>> => {
    this.account(provider, { state: "signed_out", who: null });
    return this.answer(null);
  };

  openSignInPage = (): Promise<Result<null>> => this.answer(null);

  library = (query: LibraryQuery): Promise<Result<{
    cards: Card[];
    total: number;
    asOf: number | null;
    refreshing: boolean;
    problems: { provider: string; problem: Problem }[];
    genres: string[];
  }>> => {
    if (this.at.libraryProblem) return this.fail(this.at.libraryProblem);
    const search = query.search.toLowerCase();
    // All orders but this one are those of the list; it is sorted once and kept.
    const all = this.ordered(query.sort).filter(
      (card) =>
        card.hidden === query.hidden &&
        (search === "" || this.folded(card).includes(search)) &&
        (!query.playable || card.playable) &&
        (!query.favourites || card.favourite) &&
        (query.providers.length === 0 || query.providers.some((provider) => card.providers.includes(provider))) &&
        (query.genres.length === 0 || query.genres.some((genre) => card.genres.includes(genre))),
    );
    return this.answer({
      cards: all.slice(query.offset, query.offset + query.limit),
      total: all.length,
      asOf: this.at.asOfHours === null ? null : this.now - this.at.asOfHours * 3_600_000,
      refreshing: this.at.refreshing,
      problems: this.at.refreshProblems,
      genres: this.genres(),
    });
  };

  card = (id: string): Promise<Result<CardDetail>> => {
    const card = this.cardOf(id);
    if (!card) return this.fail(problems.not_found);
    const whole = detail(card, this.byHand.has(card.id));
    const gone = this.detached.get(card.id) ?? [];
    const added = (this.joined.get(card.id) ?? []).flatMap((other) => {
      const found = cards(this.at.titles, this.now, this.at.fresh).find((one) => one.id === other);
      return found ? editions(found) : [];
    });
    return this.answer({ ...whole, editions: [...whole.editions.filter((edition) => !gone.includes(edition.id)), ...added] });
  };

  refresh = (): Promise<Result<null>> => {
    this.at.refreshing = true;
    this.emit({ event: "refresh", provider: "demo", done: 0, total: this.list.length, finished: false });
    this.later(() => {
      this.at.refreshing = false;
      this.at.asOfHours = 0;
      this.at.refreshProblems = [];
      this.emit({ event: "refresh", provider: "demo", done: this.list.length, total: this.list.length, finished: true });
      this.emit({ event: "library_changed" });
    });
    return this.answer(null);
  };

  cancelRefresh = (): Promise<Result<null>> => {
    this.at.refreshing = false;
    this.emit({ event: "refresh", provider: "demo", done: 0, total: null, finished: true });
    return this.answer(null);
  };

  setFavourite = (id: string, favourite: boolean): Promise<Result<null>> => this.change(id, { favourite });
  setHidden = (id: string, hidden: boolean): Promise<Result<null>> => this.change(id, { hidden });

  split = (editionId: string): Promise<Result<null>> => {
    const id = this.cardOf(editionId)?.id ?? "";
    this.byHand.add(id);
    this.detached.set(id, [...(this.detached.get(id) ?? []), editionId]);
    return this.change(id, {});
  };

  join = (cardId: string, otherCardId: string): Promise<Result<null>> => {
    this.byHand.add(cardId);
    this.joined.set(cardId, [...(this.joined.get(cardId) ?? []), otherCardId]);
    this.list = this.list.filter((card) => card.id !== otherCardId);
    return this.change(cardId, {});
  };

  hosts = (): Promise<Result<Host[]>> => this.answer(this.at.hosts);

  addHost = (address: string): Promise<Result<Host>> => {
    if (!address.includes(".")) return this.fail(problems.host_unreachable);
    const host: Host = { id: `home/${address}`, name: address, kind: "At home", address, state: "online", paired: false, canWake: false, problem: null };
    this.at.hosts = [...this.at.hosts, host];
    return this.answer(host);
  };

  pair = (hostId: string, pin: string): Promise<Result<null>> => {
    if (pin !== "1234") return this.fail(problems.wrong_pin);
    this.at.hosts = this.at.hosts.map((host) => (host.id === hostId ? { ...host, paired: true } : host));
    this.emit({ event: "hosts", hosts: this.at.hosts });
    return this.answer(null);
  };

  wake = (hostId: string): Promise<Result<null>> => {
    this.later(() => {
      this.at.hosts = this.at.hosts.map((host) => (host.id === hostId ? { ...host, state: "online" } : host));
      this.emit({ event: "hosts", hosts: this.at.hosts });
    });
    return this.answer(null);
  };

  forgetHost = (hostId: string): Promise<Result<null>> => {
    this.at.hosts = this.at.hosts.filter((host) => host.id !== hostId);
    this.emit({ event: "hosts", hosts: this.at.hosts });
    return this.answer(null);
  };

  play = (editionId: string): Promise<Result<null>> => {
    const card = this.cardOf(editionId);
    const title = card?.title ?? "Meteor Mile";
    if (this.at.outcome !== "play") {
      this.emit({ event: "play", play: { state: "failed", title, problem: this.at.outcome, canPlayAgain: this.at.outcome.retry } });
      return this.answer(null);
    }
    const steps: PlayState[] = [];
    if (editionId.startsWith("north/") || editionId.endsWith("@far")) {
      for (let position = 3; position > 0; position -= 1) steps.push({ state: "queued", title, position, of: 8, etaSeconds: position * 40 });
    }
    for (const stage of STAGES.slice(0, -1)) steps.push({ state: "starting", title, stage, stages: STAGES });
    steps.push({ state: "playing", title, since: Date.now() + steps.length * this.at.step });
    this.walk(steps);
    return this.answer(null);
  };

  endRunning = (editionId: string): Promise<Result<null>> => this.change(this.cardOf(editionId)?.id ?? "", { running: false });

  private walk(steps: PlayState[]): void {
    const [first, ...rest] = steps;
    if (!first) return;
    this.emit({ event: "play", play: first });
    if (rest.length > 0) this.later(() => this.walk(rest));
  }

  playState = (): Promise<Result<PlayState>> => this.answer(this.at.play);

  cancelPlay = (): Promise<Result<null>> => {
    this.halt();
    this.emit({ event: "play", play: { state: "idle" } });
    return this.answer(null);
  };

  stopPlay = (): Promise<Result<null>> => {
    this.endGame("good");
    return this.answer(null);
  };

  dismissReport = (): Promise<Result<null>> => this.cancelPlay();

  settings = (host: string | null, game: string | null): Promise<Result<Setting[]>> => this.answer(resolved(this.known, host, game));

  setSetting = (key: string, layer: Layer, scope: string | null, value: Setting["value"]): Promise<Result<null>> => {
    if (!this.allows(key, layer, scope)) return this.fail(problems.not_here);
    this.put(key, value, layer, scope);
    return this.answer(null);
  };

  resetSetting = (key: string, layer: Layer, scope: string | null): Promise<Result<null>> => {
    if (!this.allows(key, layer, scope)) return this.fail(problems.not_here);
    this.layers(key, (layers) => layers.filter((one) => one.layer !== layer || one.scope !== scope));
    return this.answer(null);
  };

  doctor = async (): Promise<Result<ReturnType<typeof checks>>> => {
    for (const check of checks()) {
      this.emit({ event: "check", check: { ...check, state: "running", found: "…", nextStep: null } });
      await new Promise((done) => setTimeout(done, 20));
      this.emit({ event: "check", check });
    }
    return this.answer(checks());
  };

  about = (): ReturnType<Backend["about"]> =>
    this.answer({
      version: "0.1.0",
      licence: "MIT OR Apache-2.0",
      parts: ["Svelte 5.57.3", "Tauri 2.12.5", "wgpu 27.0.1", "winit 0.30.12", "webrtc 0.14.0", "FFmpeg 5.1", "rusqlite 0.37.0", "opus 1.4"].map((part) => {
        const [name = "", version = ""] = part.split(" ");
        return { name, version, licence: name === "FFmpeg" ? "LGPL-2.1" : "MIT" };
      }),
      folders: [
        { name: "settings", path: "/home/you/.config/entente" },
        { name: "data", path: "/home/you/.local/share/entente" },
        { name: "cache", path: "/home/you/.cache/entente" },
        { name: "logs", path: "/home/you/.local/state/entente" },
        { name: "reports", path: "/home/you/.local/state/entente/reports" },
      ],
    });

  openFolder = (): Promise<Result<null>> => this.answer(null);
  quit = (): Promise<Result<null>> => this.answer(null);

  // ---- inside

  // What a search needs, made anew only when the list is another one.
  private index: { of: Card[]; orders: Map<LibraryQuery["sort"], Card[]>; folded: Map<Card, string>; genres: string[] | null } | null = null;

  private indexed(): NonNullable<Fake["index"]> {
    if (this.index?.of !== this.list) {
      const folded = new Map(this.list.map((card) => [card, card.title.toLowerCase()]));
      this.index = { of: this.list, orders: new Map(), folded, genres: null };
    }
    return this.index;
  }

  private ordered(sort: LibraryQuery["sort"]): Card[] {
    const collator = new Intl.Collator("en");
    const order: Record<LibraryQuery["sort"], (a: Card, b: Card) => number> = {
      recent: (a, b) => (b.lastPlayed ?? 0) - (a.lastPlayed ?? 0),
      name: (a, b) => collator.compare(a.title, b.title),
      added: () => 0,
      playtime: (a, b) => b.playtimeSeconds - a.playtimeSeconds,
    };
    const { orders, of } = this.indexed();
    const known = orders.get(sort) ?? of.toSorted(order[sort]);
    orders.set(sort, known);
    return known;
  }

  private folded(card: Card): string {
    return this.indexed().folded.get(card) ?? "";
  }

  private genres(): string[] {
    const index = this.indexed();
    index.genres ??= [...new Set(index.of.flatMap((card) => card.genres))].sort();
    return index.genres;
  }

  private answer<T>(data: T): Promise<Result<T>> {
    if (this.at.broken) return this.fail(this.at.broken);
    return Promise.resolve({ status: "ok", data });
  }

  private fail<T>(error: Problem): Promise<Result<T>> {
    return Promise.resolve({ status: "error", error });
  }

  private later(action: () => void, steps = 1): void {
    if (this.at.step > 0) this.timer = setTimeout(action, this.at.step * steps);
    else this.waiting.push(action);
  }

  /** By its own id or by one of its editions, `provider/card` or `provider/card@place`. */
  private cardOf(id: string): Card | undefined {
    const [, title] = /^[^/]+\/([^@]+)/.exec(id) ?? [];
    return this.list.find((card) => card.id === id || card.id === title);
  }

  /** Nothing comes by itself any more. */
  private halt(): void {
    clearTimeout(this.timer);
    this.waiting = [];
  }

  private account(provider: string, change: Partial<Account>): void {
    this.accountList = this.accountList.map((account) => (account.provider === provider ? { ...account, ...change } : account));
    this.emit({ event: "accounts", accounts: this.accountList });
  }

  private fill(fresh: boolean): void {
    if (this.list.length > 0) return;
    this.list = cards(12, this.now, fresh);
    this.at.asOfHours = 0;
    this.at.titles = 12;
    this.emit({ event: "library_changed" });
  }

  private change(id: string, part: Partial<Card>): Promise<Result<null>> {
    this.list = this.list.map((card) => (card.id === id ? { ...card, ...part } : card));
    this.emit({ event: "library_changed" });
    return this.answer(null);
  }

  private allows(key: string, layer: Layer, scope: string | null): boolean {
    const fits = (scope === null) === (layer === "user");
    return fits && (this.known.find((setting) => setting.key === key)?.allowed?.includes(layer) ?? false);
  }

  private put(key: string, value: Setting["value"], layer: Layer = "user", scope: string | null = null): void {
    const order = ["game", "host", "network", "user", "default"];
    this.layers(key, (layers) =>
      [...layers.filter((one) => one.layer !== layer || one.scope !== scope), { layer, scope, value }].sort(
        (a, b) => order.indexOf(a.layer) - order.indexOf(b.layer),
      ),
    );
  }

  private layers(key: string, edit: (layers: Setting["layers"]) => Setting["layers"]): void {
    this.known = this.known.map((setting) => {
      if (setting.key !== key) return setting;
      return { ...setting, layers: edit(setting.layers) };
    });
    this.emit({ event: "settings_changed" });
  }
}
