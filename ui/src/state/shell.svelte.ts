/** What the view knows of the shell: fed by answers and events, read by every screen. */
import type {
  Account,
  Backend,
  Host,
  PlayState,
  Problem,
  Result,
  SecretsStatus,
  Setting,
  ShellEvent,
  SignInStep,
} from "../backend/api";
import { setLanguage } from "../i18n/index.svelte";

export interface Note {
  id: number;
  problem: Problem;
  again: (() => void) | null;
}

export interface Refresh {
  done: number;
  total: number | null;
}

/** More messages than these are not read by anybody. */
const MOST_NOTES = 3;

export class Shell {
  accounts = $state.raw<Account[] | null>(null);
  accountsProblem = $state.raw<Problem | null>(null);
  secrets = $state.raw<SecretsStatus | null>(null);
  steps = $state.raw<Record<string, SignInStep>>({});
  refreshing = $state.raw<Record<string, Refresh>>({});
  hosts = $state.raw<Host[] | null>(null);
  play = $state.raw<PlayState>({ state: "idle" });
  settings = $state.raw<Setting[] | null>(null);
  settingsProblem = $state.raw<Problem | null>(null);
  notes = $state.raw<Note[]>([]);
  /** Counts changes of the library: readers load again when it grows. */
  libraryVersion = $state(0);
  /** Card whose game was started last, for "play again". */
  lastEdition = $state<string | null>(null);

  backend!: Backend;
  private nextNote = 1;
  private listeners = new Set<(event: ShellEvent) => void>();

  async connect(backend: Backend): Promise<void> {
    this.backend = backend;
    await backend.listen((event) => this.take(event));
    await Promise.all([this.loadSettings(), this.loadAccounts(), this.loadSecrets(), this.loadPlay()]);
  }

  /** For parts that need single events (pad presses, check results, deep links). */
  on(listener: (event: ShellEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async loadAccounts(): Promise<void> {
    const answer = await this.backend.accounts();
    if (answer.status === "ok") {
      this.accounts = answer.data;
      this.accountsProblem = null;
    } else this.accountsProblem = answer.error;
  }

  async loadSecrets(): Promise<void> {
    const answer = await this.backend.secrets();
    if (answer.status === "ok") this.secrets = answer.data;
  }

  async loadPlay(): Promise<void> {
    const answer = await this.backend.playState();
    if (answer.status === "ok") this.play = answer.data;
  }

  async loadSettings(): Promise<void> {
    const answer = await this.backend.settings(null, null);
    if (answer.status === "ok") {
      this.settings = answer.data;
      this.settingsProblem = null;
      applyLook(answer.data);
    } else this.settingsProblem = answer.error;
  }

  setting(key: string): Setting["value"] | undefined {
    return this.settings?.find((setting) => setting.key === key)?.value;
  }

  account(provider: string): Account | null {
    return this.accounts?.find((account) => account.provider === provider) ?? null;
  }

  providerName(provider: string): string {
    const name = this.account(provider)?.name;
    // Games of paired hosts belong to no account.
    return name ?? provider.charAt(0).toUpperCase() + provider.slice(1);
  }

  /** Whether this game is on its way or in its window: then it is stopped there, not ended from afar. */
  inPlay(title: string): boolean {
    const { play } = this;
    return (play.state === "queued" || play.state === "starting" || play.state === "playing") && play.title === title;
  }

  /** Does an action; a failure becomes a message with "try again" where that makes sense. */
  async act<T>(action: () => Promise<Result<T>>): Promise<T | null> {
    const answer = await action();
    if (answer.status === "ok") return answer.data;
    this.note(answer.error, answer.error.retry ? () => void this.act(action) : null);
    return null;
  }

  note(problem: Problem, again: (() => void) | null = null): void {
    // The same message twice is one message.
    const others = this.notes.filter((note) => note.problem.kind !== problem.kind || note.problem.what !== problem.what);
    this.notes = [...others, { id: this.nextNote++, problem, again }].slice(-MOST_NOTES);
  }

  dismiss(id: number): void {
    this.notes = this.notes.filter((note) => note.id !== id);
  }

  async playEdition(editionId: string): Promise<boolean> {
    this.lastEdition = editionId;
    return (await this.act(() => this.backend.play(editionId).then(nullIsDone))) !== null;
  }

  /** Plays a card the best way there is. */
  async playCard(cardId: string): Promise<"started" | "choose"> {
    const answer = await this.backend.card(cardId);
    if (answer.status === "error") {
      this.note(answer.error, answer.error.retry ? () => void this.playCard(cardId) : null);
      return "choose";
    }
    if (answer.data.best === null) return "choose";
    return (await this.playEdition(answer.data.best)) ? "started" : "choose";
  }

  take(event: ShellEvent): void {
    switch (event.event) {
      case "accounts":
        this.accounts = event.accounts;
        this.accountsProblem = null;
        break;
      case "sign_in":
        this.steps = { ...this.steps, [event.provider]: event.step };
        break;
      case "library_changed":
        this.libraryVersion += 1;
        break;
      case "refresh":
        this.takeRefresh(event);
        break;
      case "hosts":
        this.hosts = event.hosts;
        break;
      case "play":
        this.play = event.play;
        break;
      case "settings_changed":
        void this.loadSettings();
        break;
      case "note":
        this.note(event.problem);
        break;
      default:
    }
    for (const listener of this.listeners) listener(event);
  }

  private takeRefresh(event: Extract<ShellEvent, { event: "refresh" }>): void {
    const others = Object.entries(this.refreshing).filter(([provider]) => provider !== event.provider);
    if (!event.finished) others.push([event.provider, { done: event.done, total: event.total }]);
    this.refreshing = Object.fromEntries(others);
  }
}

function nullIsDone(answer: Result<null>): Result<true> {
  return answer.status === "ok" ? { status: "ok", data: true } : answer;
}

/** Settings that change the view itself. */
export function applyLook(settings: readonly Setting[]): void {
  const value = (key: string): Setting["value"] | undefined => settings.find((setting) => setting.key === key)?.value;
  const root = document.documentElement;
  setLanguage(String(value("look.language") ?? "system"));
  const theme = value("look.theme") ?? "system";
  const light = window.matchMedia("(prefers-color-scheme: light)").matches;
  root.dataset["theme"] = theme === "system" ? (light ? "light" : "dark") : String(theme);
  root.dataset["tv"] = String(value("look.ten_foot") === true);
  const motion = value("look.reduced_motion");
  root.dataset["motion"] = motion === "on" ? "reduced" : motion === "off" ? "full" : "system";
  const size = value("look.text_size");
  root.style.setProperty("--text-scale", typeof size === "number" ? String(size / 100) : "1");
}

export const shell = new Shell();
