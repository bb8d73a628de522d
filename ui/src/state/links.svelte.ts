/** Where links and other programs want the view to go. What they say is not trusted: nothing starts without a press here. */
import type { CardDetail, Edition, Problem } from "../backend/api";
import { sentence, t } from "../i18n/index.svelte";
import { titleOf } from "../screens/editions";
import { screenKeys } from "./keys.svelte";
import { nav } from "./nav.svelte";
import { shell } from "./shell.svelte";

/** A game that a link wants to start. All words are the library's own, none comes from the link. */
export interface Asked {
  editionId: string;
  title: string;
  name: string;
  place: string;
}

export class Links {
  asked = $state.raw<Asked | null>(null);
  /** A later target wins over the answer to an earlier one. */
  private newest = 0;

  async open(target: string): Promise<void> {
    const mine = ++this.newest;
    this.asked = null;
    screenKeys.close();
    const slash = target.indexOf("/");
    const [name, id] = slash < 0 ? [target, ""] : [target.slice(0, slash), target.slice(slash + 1)];
    if (id === "" && (name === "library" || name === "hosts" || name === "settings" || name === "accounts")) nav.root({ name });
    else if (id === "" && (name === "doctor" || name === "about")) nav.go({ name });
    else if (id !== "" && (name === "card" || name === "play")) {
      const detail = await this.find(id);
      if (mine !== this.newest) return;
      // A card that is not there says so itself.
      nav.go({ name: "card", id: detail?.card.id ?? id });
      if (name === "play" && detail) this.ask(id, detail);
    } else shell.note(unknown());
  }

  async accept(): Promise<void> {
    const asked = this.asked;
    this.asked = null;
    if (asked) await shell.playEdition(asked.editionId);
  }

  refuse(): void {
    this.asked = null;
  }

  /** The card with this id, or the one that holds this edition. */
  private async find(id: string): Promise<CardDetail | null> {
    for (const one of new Set([id, titleOf(id)])) {
      const answer = await shell.backend.card(one);
      if (answer.status === "ok") return answer.data;
    }
    return null;
  }

  private ask(id: string, detail: CardDetail): void {
    const { title } = detail.card;
    const edition = way(id, detail);
    if (edition?.available) this.asked = { editionId: edition.id, title, name: edition.providerName, place: edition.place };
    else shell.note(noWay(title, edition?.why ?? null));
  }
}

/** The edition that a link means; one that names no place means the best place of its title. */
function way(id: string, detail: CardDetail): Edition | null {
  const exact = detail.editions.find((edition) => edition.id === id);
  if (exact) return exact;
  const places = detail.editions.filter((edition) => titleOf(edition.id) === id);
  return places.find((edition) => edition.id === detail.best) ?? places[0] ?? null;
}

function unknown(): Problem {
  return { kind: "link", what: t("link.unknown"), why: t("link.unknown_why"), nextStep: t("link.unknown_next"), retry: false };
}

function noWay(title: string, why: string | null): Problem {
  return {
    kind: "link",
    what: t("link.no_way", { title }),
    why: why === null ? t("link.no_way_why") : sentence(why),
    nextStep: t("link.no_way_next"),
    retry: false,
  };
}

export const links = new Links();
