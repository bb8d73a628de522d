import { maybe } from "../i18n/index.svelte";

/** Name of a stage for people; one that is not in the table is shown as the shell calls it. */
export function stageName(stage: string): string {
  const words = stage.replace(/[._-]+/g, " ");
  return maybe(`stage.${stage}`, words.charAt(0).toUpperCase() + words.slice(1));
}
