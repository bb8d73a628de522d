import type { Layer } from "../backend/api";
import { t } from "../i18n/index.svelte";
import type { SettingsScope } from "../state/nav.svelte";
import { shell } from "../state/shell.svelte";

/** Name of a layer for people: with the name of the game or service it belongs to, not with what it is kept by. */
export function layerName(from: { layer: Layer; scope: string | null }, scope: SettingsScope | null): string {
  const { layer, scope: id } = from;
  const own = scope !== null && scope.layer === layer && scope.id === id ? scope.name : null;
  const name = own ?? (layer === "host" && id !== null ? shell.providerName(id) : (id ?? ""));
  return t(`settings.layer.${layer}`, { scope: name });
}
