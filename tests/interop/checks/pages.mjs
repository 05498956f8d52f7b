// The pages in a real browser: no error on the console, nothing that axe calls serious, no sideways scrolling; on a phone and
// at a desk, light and dark. The decision paper fits on two sheets of A4.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { until } from '../world/process.mjs';
import * as browser from './chromium.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const VIEWS = [1280, 390].flatMap((width) => ['light', 'dark'].map((scheme) => ({ width, scheme })));
// The longest story is shorter, unless the lab's scenarios grow past it.
const MOST_STEPS = 40;

/** Runs `action` with a page of a fresh browser, which can be asked what axe says of it. */
function inBrowser(view, action) {
  return browser.inBrowser(view, async (page) => {
    // Not as a tag in the page: its policy forbids that, and is to stay as it is.
    await page.addInitScript({ path: AXE });
    await action(page);
  });
}

async function assertSound(page, view) {
  const where = `${page.url()} at ${view.width} px, ${view.scheme}`;
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  assert.deepEqual(told, [], where);
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(sideways, 0, `${where}: scrolls sideways`);
}

/** The comparison is made in the background after the start; the page says so until then. */
async function comparison(world) {
  await until('the comparison', async () => {
    const response = await fetch(`${world.namesake.url}/v1/compare`);
    return response.status === 200 ? true : undefined;
  }, { withinMs: 40_000 });
}

function sound(name, path) {
  return {
    name: `pages: ${name} is sound in a browser`,
    async run(world) {
      if (path.startsWith('/compare')) await comparison(world);
      for (const view of VIEWS) {
        await inBrowser(view, async (page) => {
          const response = await page.goto(world.namesake.url + path);
          assert.equal(response.status(), 200, path);
          await page.evaluate(() => document.querySelectorAll('details').forEach((details, place) => (details.open = place < 12)));
          await assertSound(page, view);
        });
      }
    },
  };
}

const stepped = {
  name: 'pages: a story is stepped through to its end, from the keyboard',
  async run(world) {
    await comparison(world);
    await inBrowser(VIEWS[0], async (page) => {
      await page.goto(`${world.namesake.url}/compare?story=ban&step=1`);
      const heading = async () => (await page.textContent('#steps')).match(/Step (\d+) of (\d+)/).slice(1).map(Number);
      const [, last] = await heading();
      assert.ok(last > 2 && last < MOST_STEPS, `${last} steps`);
      for (let step = 2; step <= last; step += 1) {
        await page.focus('a[rel=next]');
        await Promise.all([page.waitForURL((url) => url.searchParams.get('step') === String(step)), page.keyboard.press('Enter')]);
        assert.deepEqual(await heading(), [step, last]);
        assert.equal(await page.locator('.timeline li').count(), step);
      }
      assert.equal(await page.locator('a[rel=next]').count(), 0);
      assert.match(await page.textContent('main'), /What came of it/);
      await page.click('a[rel=prev]');
      assert.deepEqual(await heading(), [last - 1, last]);
    });
  },
};

const decided = {
  name: 'pages: the questions lead to a column, from the keyboard',
  async run(world) {
    await comparison(world);
    await inBrowser(VIEWS[1], async (page) => {
      await page.goto(`${world.namesake.url}/compare`);
      const leaf = page.locator('.tree > details').first().locator('.leaf');
      assert.equal(await leaf.isVisible(), false);
      await page.locator('.tree > details > summary').first().focus();
      await page.keyboard.press('Enter');
      assert.equal(await leaf.isVisible(), true);
      await leaf.locator('a').first().click();
      const row = new URL(page.url()).hash;
      assert.equal(await page.locator(row).count(), 1, row);
    });
  },
};

const printed = {
  name: 'pages: the decision paper prints on two sheets of A4',
  async run(world) {
    await comparison(world);
    await inBrowser(VIEWS[0], async (page) => {
      await page.goto(`${world.namesake.url}/compare/paper`);
      const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1');
      const sheets = [...pdf.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].map(([, ...size]) => size.map((points) => Math.round(points)));
      assert.deepEqual(sheets, [[595, 842], [595, 842]]);
    });
  },
};

export default [
  sound('the front page', '/'),
  sound('the comparison', '/compare'),
  sound('a story', '/compare?story=domain&step=9'),
  sound('the decision paper', '/compare/paper'),
  sound('a profile', '/@alice.test'),
  sound('an explanation', '/v1/explain?handle=alice.test'),
  decided,
  stepped,
  printed,
];
