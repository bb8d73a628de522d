/** The shelf: one query, its pages as far as they have been looked at, and the place where the user is. */
import type { Card, LibraryPage, LibraryQuery, Problem } from "../backend/api";
import { shell } from "./shell.svelte";

export const PAGE = 120;

export type Filters = Omit<LibraryQuery, "offset" | "limit">;

export const NO_FILTERS: Filters = {
  search: "",
  sort: "recent",
  providers: [],
  genres: [],
  playable: false,
  favourites: false,
  hidden: false,
};

export class Shelf {
  filters = $state.raw<Filters>({ ...NO_FILTERS });
  pages = $state.raw<Record<number, Card[]>>({});
  head = $state.raw<Omit<LibraryPage, "cards"> | null>(null);
  recent = $state.raw<Card[]>([]);
  problem = $state.raw<Problem | null>(null);
  /** The words whose answer is shown: those of the filters may be newer. */
  answered = $state("");
  /** Where the user was, kept while a card is open. */
  focused = $state(0);
  scrollTop = 0;

  private generation = 0;
  private asked = new Set<number>();

  get total(): number {
    return this.head?.total ?? 0;
  }

  get filterCount(): number {
    const { providers, genres, playable, favourites, hidden } = this.filters;
    return providers.length + genres.length + Number(playable) + Number(favourites) + Number(hidden);
  }

  get plain(): boolean {
    return this.filters.search === "" && this.filterCount === 0;
  }

  at(index: number): Card | null {
    return this.pages[Math.floor(index / PAGE)]?.[index % PAGE] ?? null;
  }

  /** Changes the query: answers to older ones are dropped, the list starts at its top. */
  set(change: Partial<Filters>): void {
    this.filters = { ...this.filters, ...change };
    this.focused = 0;
    this.scrollTop = 0;
    void this.reload();
  }

  reset(): void {
    this.set({ ...NO_FILTERS, sort: this.filters.sort });
  }

  /** Asks again for what is on screen; the old pages stay until the new ones are here. */
  async reload(around = 0): Promise<void> {
    const generation = ++this.generation;
    this.asked.clear();
    const page = Math.floor(around / PAGE);
    this.asked.add(page);
    const words = this.filters.search;
    const [answer, recent] = await Promise.all([this.ask(page * PAGE, PAGE), this.askRecent()]);
    if (generation !== this.generation) return;
    if (recent) this.recent = recent;
    if (answer.status === "error") {
      this.problem = answer.error;
      return;
    }
    const { cards, ...head } = answer.data;
    this.problem = null;
    this.answered = words;
    this.head = head;
    this.pages = { [page]: cards };
  }

  /** Called with what is about to be seen. */
  need(first: number, last: number): void {
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page += 1) {
      if (!this.asked.has(page) && page * PAGE < this.total) void this.load(page);
    }
  }

  private async load(page: number): Promise<void> {
    const generation = this.generation;
    this.asked.add(page);
    const answer = await this.ask(page * PAGE, PAGE);
    if (generation !== this.generation) return;
    if (answer.status === "error") this.asked.delete(page);
    else this.pages = { ...this.pages, [page]: answer.data.cards };
  }

  private ask(offset: number, limit: number): ReturnType<typeof shell.backend.library> {
    return shell.backend.library({ ...this.filters, offset, limit });
  }

  /** What "go on playing" shows: only without search and filters. */
  private async askRecent(): Promise<Card[] | null> {
    if (!this.plain) return null;
    const answer = await shell.backend.library({ ...NO_FILTERS, offset: 0, limit: 6 });
    if (answer.status === "error") return null;
    return answer.data.cards.filter((card) => card.running || card.lastPlayed !== null);
  }
}

export const shelf = new Shelf();
