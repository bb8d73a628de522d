import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** Mode `fake` builds the design and test entry over the in-memory backend; every other mode builds the product. */
export default defineConfig(({ mode }) => {
  const fake = mode === "fake";
  return {
    plugins: [svelte()],
    // Two builds of one view: the product must work from the `tauri:` scheme, hence no absolute addresses.
    base: "./",
    clearScreen: false,
    resolve: mode === "test" ? { conditions: ["browser"] } : {},
    build: {
      target: ["es2022", "safari16"],
      outDir: fake ? "test-output/fake" : "dist",
      emptyOutDir: true,
      modulePreload: { polyfill: false },
      // The policy of the shell allows no `data:` addresses for styles or scripts.
      assetsInlineLimit: 0,
      rollupOptions: { input: fake ? "fake.html" : "index.html" },
    },
    test: {
      environment: "happy-dom",
      include: ["tests/unit/**/*.test.ts"],
    },
  };
});
