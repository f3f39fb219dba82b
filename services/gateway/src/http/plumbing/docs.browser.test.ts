import { browserProgram } from '@runnel/kit/testing';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { startGateway } from '../../../testing/test-gateway.ts';

test('the docs page draws every operation under its strict policy', async () => {
  await using gateway = await startGateway();
  const browser = await chromium.launch({ executablePath: browserProgram(), args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const refused: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') refused.push(message.text());
    });
    for (const path of ['/api/docs', '/api/docs/']) {
      await page.goto(`${gateway.url}${path}`);
      await page.locator('.opblock').first().waitFor();
      expect(await page.locator('.opblock').count()).toBeGreaterThan(10);
    }
    expect(refused).toEqual([]);
  } finally {
    await browser.close();
  }
});
