/** The real backend: commands of the shell, generated from it, and its one event stream. */
import { listen } from "@tauri-apps/api/event";
import type { Backend, Problem, Result, ShellEvent } from "./api";
import { commands, type ShellEvent as Told } from "./bindings";

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "kind" in value && "what" in value && "nextStep" in value;
}

/** A command answers with its data or with a `Problem`; anything else that comes or is thrown is a fault of ours. */
async function ask<T>(name: string, command: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    const answer = await command();
    if (answer.status === "ok" || isProblem(answer.error)) return answer;
  } catch {
    // Said below.
  }
  return {
    status: "error",
    error: {
      kind: "shell_fault",
      what: "Entente could not do that.",
      why: `The part behind the window did not answer to “${name}”.`,
      nextStep: "Close Entente and start it again. If it stays, look at the check-up.",
      retry: true,
    },
  };
}

/** Every command by its own name, with the contract's types: what the shell gives must fit them. */
type Commands = Omit<Backend, "listen">;

function guarded(): Commands {
  const all: Commands = commands;
  const wrapped = Object.entries(all).map(([name, command]) => [
    name,
    (...given: unknown[]) => ask(name, () => (command as (...given: unknown[]) => Promise<Result<unknown>>)(...given)),
  ]);
  return Object.fromEntries(wrapped) as Commands;
}

export function tauriBackend(): Backend {
  return {
    ...guarded(),
    listen: async (handler) => {
      const end = await listen<Told>("shell", (event) => handler(event.payload satisfies ShellEvent));
      // What happened before waits until somebody listens.
      await ask("listening", commands.listening);
      return end;
    },
  };
}
