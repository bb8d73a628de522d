import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { problems } from "../../src/backend/fakeProblems";
import { tauriBackend } from "../../src/backend/tauri";

const invoke = vi.hoisted(() => vi.fn());
const listen = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen }));

beforeEach(() => invoke.mockReset());

describe("the real backend", () => {
  it("has every function of the contract and calls the command of its name", async () => {
    const contract = readFileSync(join(process.cwd(), "src/backend/api.ts"), "utf8").split("export interface Backend {")[1] ?? "";
    const functions = [...contract.matchAll(/^ {2}(\w+)\(([^)]*)\)/gm)].filter(([, name]) => name !== "listen");
    expect(functions.length).toBeGreaterThan(30);
    const backend = tauriBackend() as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    for (const [, name = "", parameters = ""] of functions) {
      const names = [...parameters.matchAll(/(\w+):/g)].map((match) => match[1] ?? "");
      invoke.mockReset().mockResolvedValue(null);
      await backend[name]?.(...names.map((parameter) => `value of ${parameter}`));
      const command = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const given = Object.fromEntries(names.map((parameter) => [parameter, `value of ${parameter}`]));
      expect(invoke.mock.calls, name).toEqual([names.length === 0 ? [command] : [command, given]]);
    }
  });

  it("says that it listens once it does", async () => {
    const end = (): void => undefined;
    listen.mockImplementation(async () => (expect(invoke).not.toHaveBeenCalled(), end));
    invoke.mockResolvedValue(null);
    const handler = vi.fn();
    expect(await tauriBackend().listen(handler)).toBe(end);
    expect(listen).toHaveBeenCalledWith("shell", expect.any(Function));
    expect(invoke.mock.calls).toEqual([["listening"]]);
    (listen.mock.calls[0]?.[1] as (event: unknown) => void)({ payload: { event: "library_changed" } });
    expect(handler).toHaveBeenCalledWith({ event: "library_changed" });
  });

  it("passes problems on and makes one of anything else that is thrown", async () => {
    invoke.mockRejectedValueOnce(problems.disk_full);
    expect(await tauriBackend().about()).toEqual({ status: "error", error: problems.disk_full });
    invoke.mockRejectedValueOnce("command about not found");
    expect(await tauriBackend().about()).toMatchObject({ status: "error", error: { kind: "shell_fault", retry: true } });
  });
});
