import { configDefaults, defineConfig } from "vitest/config";

const BROWSER = "test/browser/**";

// the browser's tests need a browser and a page: npm run browser
export default defineConfig({
  test: process.env["BOARD_PAGE"] ? { include: [`${BROWSER}/*.test.ts`] } : { exclude: [...configDefaults.exclude, BROWSER] },
});
