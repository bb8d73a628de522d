/** Where the user is: a stack of views, each with the element that had focus when it was left. */
import { tick } from "svelte";
import { enter, here, scope } from "../focus/engine";

/** Settings of one game or of one service instead of those of the user. */
export interface SettingsScope {
  layer: "game" | "host";
  /** What the shell keeps them by: an edition without its place, or a provider. */
  id: string;
  /** For people. */
  name: string;
}

export type View =
  | { name: "welcome" }
  | { name: "unlock" }
  | { name: "library" }
  | { name: "card"; id: string }
  | { name: "hosts" }
  | { name: "accounts" }
  | { name: "signin"; provider: string }
  | { name: "play" }
  | { name: "report" }
  | { name: "settings"; scope?: SettingsScope }
  | { name: "doctor" }
  | { name: "about" };

export const SECTIONS = ["library", "hosts", "accounts", "settings"] as const;
export type Section = (typeof SECTIONS)[number];

interface Place {
  view: View;
  focus: string | null;
}

export class Nav {
  stack = $state.raw<Place[]>([{ view: { name: "library" }, focus: null }]);

  get view(): View {
    return this.stack.at(-1)?.view ?? { name: "library" };
  }

  get deep(): boolean {
    return this.stack.length > 1;
  }

  /** Section whose mark is set in the head of the window. */
  get section(): Section | null {
    const root = this.stack[0]?.view.name;
    return SECTIONS.find((section) => section === root) ?? null;
  }

  /** One step in; going back returns to the element that has focus now. */
  go(view: View): void {
    if (this.view.name === view.name && JSON.stringify(this.view) === JSON.stringify(view)) return;
    const above = this.stack.slice(0, -1);
    this.stack = [...above, { view: this.view, focus: here() }, { view, focus: null }];
    void this.arrive();
  }

  /** Another section: nothing to go back to. */
  root(view: View): void {
    this.stack = [{ view, focus: null }];
    void this.arrive();
  }

  /** The same step with another view in place of this one: going back does not return here. */
  replace(view: View): void {
    const focus = null;
    this.stack = [...this.stack.slice(0, -1), { view, focus }];
    void this.arrive();
  }

  back(): void {
    if (this.stack.length > 1) {
      this.stack = this.stack.slice(0, -1);
      void this.arrive();
    } else if (this.view.name !== "library" && this.view.name !== "welcome" && this.view.name !== "unlock") {
      this.root({ name: "library" });
    }
  }

  step(by: 1 | -1): void {
    const at = this.section === null ? 0 : SECTIONS.indexOf(this.section);
    const next = SECTIONS[(at + by + SECTIONS.length) % SECTIONS.length];
    if (next && this.section !== null) this.root({ name: next });
  }

  /** Where `loaded` put the focus for want of something better: what comes later may have it. */
  private stopgap: HTMLElement | null = null;

  private async arrive(): Promise<void> {
    const focus = this.stack.at(-1)?.focus ?? null;
    await tick();
    // Views that load put their first element on screen a moment later and call `enter` themselves.
    enter(focus, scope(), false);
  }

  /**
   * For a view that has loaded: to the remembered element, unless the user has moved on already. `orAny`: to anything, when
   * nothing is meant to be first.
   */
  async loaded(orAny = true): Promise<void> {
    await tick();
    const active = document.activeElement;
    const placed = active !== null && active === this.stopgap;
    if (!placed && active !== null && active !== document.body && active.closest("main, dialog")) return;
    const given = enter(this.stack.at(-1)?.focus ?? null, scope(), orAny && !placed);
    if (given) this.stopgap = given.dataset["first"] === undefined ? given : null;
  }
}

export const nav = new Nav();
