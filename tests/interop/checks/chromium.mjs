// A real browser, with a fresh profile each time.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** Runs `action` with a page of a fresh browser; whatever the browser complained about fails it, unless that is `expected`. */
export async function inBrowser(view, action, { expected = () => false } = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'namesake-browser.'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
    viewport: { width: view.width, height: 900 },
    colorScheme: view.scheme,
  });
  try {
    const complaints = [];
    const page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
    await action(page);
    assert.deepEqual(complaints.filter((complaint) => !expected(complaint)), [], JSON.stringify(view));
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}
