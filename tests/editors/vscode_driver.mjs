// Hands and eyes of a person at VS Code in a browser: one JSON request a line on stdin, one answer a line on stdout.
// Arguments: the folder that has playwright-core, the browser's program.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [folder, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(`${folder}/`)('playwright-core');
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({ executablePath, headless: true, args: quiet });
let page;
const requests = [];

const visible = (selector, text) => page.locator(selector, text ? { hasText: text } : {}).filter({ visible: true });

const does = {
  async open({ url, width, height }) {
    const context = await browser.newContext({ viewport: { width, height } });
    page = await context.newPage();
    // Nothing is fetched from elsewhere; VS Code's own frames have a host of their own.
    await page.route((it) => !/(^|\.)(127\.0\.0\.1|localhost|vscode-cdn\.net)$/.test(it.hostname), (it) => it.abort());
    await page.goto(url);
    await page.waitForSelector('.monaco-workbench', { timeout: 90000 });
  },
  /** A page of our own, with nothing in its way: what it asks for is remembered. */
  async visit({ url }) {
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    page.on('request', (it) => requests.push(it.url()));
    await page.goto(url);
  },
  requests: () => requests,
  choose: ({ selector, value }) => page.selectOption(selector, value),
  fill: ({ selector, text }) => page.fill(selector, text),
  async press({ keys }) {
    for (const it of keys) {
      await page.keyboard.press(it);
    }
  },
  type: ({ text, delay }) => page.keyboard.type(text, { delay }),
  click: ({ selector, text, button }) => visible(selector, text).first().click({ timeout: 5000, button }),
  hover: ({ selector, text }) => visible(selector, text).first().hover({ timeout: 5000 }),
  wheel: ({ dy }) => page.mouse.wheel(0, dy),
  count: ({ selector, text }) => visible(selector, text).count(),
  async texts({ selector }) {
    const found = await visible(selector).evaluateAll((all) => all.map((it) => it.innerText));
    return found.map((it) => it.replaceAll('\u00a0', ' ').trim());
  },
  /** What is written in each, also where the browser has not drawn it yet. */
  contents: ({ selector }) => visible(selector).evaluateAll((all) => all.map((it) => it.textContent.trim())),
  attributes: ({ selector, name }) => page.locator(selector).evaluateAll((all, name) => all.map((it) => it.getAttribute(name) ?? ''), name),
  /** The lines that an editor shows, from above. */
  async lines({ selector }) {
    const found = await page.locator(`${selector} .view-lines .view-line`).evaluateAll((all) =>
      all.map((it) => [parseFloat(it.style.top), it.innerText]).sort((a, b) => a[0] - b[0]));
    return found.map(([, text]) => text.replaceAll('\u00a0', ' ').replaceAll('\u200b', ''));
  },
  focus: () => page.evaluate(() => `${document.activeElement?.tagName} ${document.activeElement?.className}`),
  shot: ({ path }) => page.screenshot({ path, animations: 'disabled' }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...given } = JSON.parse(line);
  try {
    console.log(JSON.stringify({ result: (await does[op](given)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error).slice(0, 2000) }));
  }
}
await browser.close();
