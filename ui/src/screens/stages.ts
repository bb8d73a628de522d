import { humanised, maybe } from "../i18n/index.svelte";

/** Name of a stage for people; one that is not in the table is shown in the words of its own name. */
export function stageName(stage: string): string {
  return maybe(`stage.${stage}`, humanised(stage));
}
