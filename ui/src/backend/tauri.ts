/** The real backend: commands of the shell by their names, and its one event stream. */
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import type { Backend, Problem, Result, ShellEvent } from "./api";

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "kind" in value && "what" in value && "nextStep" in value;
}

/** A command resolves with its data and rejects with a `Problem`; anything else that is thrown is a fault of ours. */
async function ask<T>(command: string, args: Record<string, unknown> = {}): Promise<Result<T>> {
  try {
    return { status: "ok", data: await invoke<T>(command, args) };
  } catch (error) {
    if (isProblem(error)) return { status: "error", error };
    return {
      status: "error",
      error: {
        kind: "shell_fault",
        what: "Entente could not do that.",
        why: `The part behind the window did not answer to “${command}”.`,
        nextStep: "Close Entente and start it again. If it stays, look at the check-up.",
        retry: true,
      },
    };
  }
}

export function tauriBackend(): Backend {
  return {
    accounts: () => ask("accounts"),
    secrets: () => ask("secrets"),
    unlockSecrets: (passphrase) => ask("unlock_secrets", { passphrase }),
    keepSecretsInMemory: () => ask("keep_secrets_in_memory"),
    signIn: (provider, way) => ask("sign_in", { provider, way }),
    cancelSignIn: (provider) => ask("cancel_sign_in", { provider }),
    signOut: (provider) => ask("sign_out", { provider }),
    openSignInPage: (provider) => ask("open_sign_in_page", { provider }),
    library: (query) => ask("library", { query }),
    card: (id) => ask("card", { id }),
    refresh: () => ask("refresh"),
    cancelRefresh: () => ask("cancel_refresh"),
    setFavourite: (id, on) => ask("set_favourite", { id, on }),
    setHidden: (id, on) => ask("set_hidden", { id, on }),
    split: (editionId) => ask("split", { editionId }),
    join: (cardId, otherCardId) => ask("join", { cardId, otherCardId }),
    hosts: () => ask("hosts"),
    addHost: (address) => ask("add_host", { address }),
    pair: (hostId, pin) => ask("pair", { hostId, pin }),
    wake: (hostId) => ask("wake", { hostId }),
    forgetHost: (hostId) => ask("forget_host", { hostId }),
    play: (editionId) => ask("play", { editionId }),
    playState: () => ask("play_state"),
    cancelPlay: () => ask("cancel_play"),
    stopPlay: () => ask("stop_play"),
    dismissReport: () => ask("dismiss_report"),
    endRunning: (editionId) => ask("end_running", { editionId }),
    settings: (host, game) => ask("settings", { host, game }),
    setSetting: (key, layer, scope, value) => ask("set_setting", { key, layer, scope, value }),
    resetSetting: (key, layer, scope) => ask("reset_setting", { key, layer, scope }),
    doctor: () => ask("doctor"),
    about: () => ask("about"),
    openFolder: (name) => ask("open_folder", { name }),
    quit: () => ask("quit"),
    listen: async (handler) => {
      const end = await listen<ShellEvent>("shell", (event) => handler(event.payload));
      // What happened before waits until somebody listens.
      await ask("listening");
      return end;
    },
  };
}
