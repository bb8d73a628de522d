import type { Edition } from "../backend/api";
import { span, t } from "../i18n/index.svelte";

/** The title of an edition, without the place behind the last `@`: what settings and cards are kept by. */
export function titleOf(editionId: string): string {
  const at = editionId.lastIndexOf("@");
  return at >= 0 && at < editionId.length - 1 && !editionId.slice(at).includes("/") ? editionId.slice(0, at) : editionId;
}

/** The service of a title or an edition: what settings of a service are kept by. */
export function providerOf(id: string): string {
  return id.split("/", 1)[0] ?? id;
}

/** A fact of a way to play: what counts, and what else is known of it. */
export interface Fact {
  what: string;
  more: string | null;
}

/**
 * What the way costs in waiting. No time given means three things: we wait there already and the service knows no time;
 * the place is busy and nobody knows for how long; or nothing has been said at all, as for a computer at home.
 */
export function waiting(edition: Edition): Fact {
  const { queuePosition: position, queueSeconds: seconds } = edition;
  // A game that runs holds its place for us.
  if (edition.running || (position === null && seconds === 0)) return { what: t("card.queue_none"), more: null };
  const time = seconds === null ? t("card.queue_open") : t("card.queue", { time: span(seconds) });
  if (position !== null) return { what: t("card.queue_place", { position }), more: time };
  if (seconds !== null) return { what: time, more: null };
  // Only a place of a service has a queue.
  return edition.available && titleOf(edition.id) !== edition.id ? { what: t("card.queue_some"), more: time } : { what: "–", more: null };
}

/** The best picture of a way, in the user's words; what is not understood is shown as it came. */
export function picture(quality: string | null): Fact {
  if (quality === null) return { what: "–", more: null };
  const [, width, height, rate] = /^(\d+)x(\d+) at (\d+)$/.exec(quality) ?? [];
  return width && height && rate
    ? { what: t("card.size", { width, height }), more: t("card.rate", { rate }) }
    : { what: quality, more: null };
}
