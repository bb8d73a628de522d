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

/**
 * What the way costs in waiting. No time given means three things: we wait there already and the service knows no time;
 * the place is busy and nobody knows for how long; or nothing has been said at all, as for a computer at home.
 */
export function waiting(edition: Edition): string {
  // It holds its place for us.
  if (edition.running) return t("card.queue_none");
  if (edition.queuePosition !== null) {
    return edition.queueSeconds === null
      ? t("card.queue_place", { position: edition.queuePosition })
      : t("card.queue_place_time", { position: edition.queuePosition, time: span(edition.queueSeconds) });
  }
  if (edition.queueSeconds !== null) {
    return edition.queueSeconds === 0 ? t("card.queue_none") : t("card.queue", { time: span(edition.queueSeconds) });
  }
  // Only a place of a service has a queue.
  return edition.available && titleOf(edition.id) !== edition.id ? t("card.queue_unknown") : "–";
}

/** The best picture of a way, in the user's words; what is not understood is shown as it came. */
export function picture(quality: string | null): string {
  if (quality === null) return "–";
  const [, width, height, rate] = /^(\d+)x(\d+) at (\d+)$/.exec(quality) ?? [];
  return width && height && rate ? t("card.quality", { width, height, rate }) : quality;
}
