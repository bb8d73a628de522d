import { humanised, maybe } from "../i18n/index.svelte";

/** Name of a figure for people; one that is not in the table is shown in the words of its own name. */
export function figureName(name: string): string {
  return maybe(`figure.${name}`, humanised(name));
}

/** What a figure means: the view's own words where it has some, else those of the shell. */
export function figureExplained(name: string, explained: string): string {
  return maybe(`figure.${name}.help`, explained);
}

/** A figure's value as what is large and what is small beside it: `31 ms` and `1 in 100: 44 ms`. */
export function figureParts(value: string): [string, string] {
  const [, main, inside, behind] = /^(.+?)(?: \((.+)\)|, (.+))$/.exec(value) ?? [];
  return main === undefined ? [value, ""] : [main, inside ?? behind ?? ""];
}
