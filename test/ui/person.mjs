// What a person does and sees in VS Code's workbench, as functions over a playwright page. Selectors live here and nowhere else.
import { setTimeout as delay } from 'node:timers/promises';
import { PATIENCE_MS } from '../vscode-host/workbench.mjs';

/** More than any view has. */
const PAGES_IN_A_VIEW = 50;

/** A row that is not open by then was closed again. */
const SLOW_TO_OPEN_MS = 5000;

const rowsOf = (page, view) => page.locator(`.${view} .monaco-list-row`);

// ---- files ------------------------------------------------------------------------------------------------------------

/** Double-clicks a file in the Explorer and waits until it stands in the editor, coloured. */
export async function openFile(page, name) {
  await page.keyboard.press('Control+Shift+E');
  await page.locator('.explorer-folders-view .monaco-list-row', { hasText: name }).dblclick();
  await page.locator('.tab.active', { hasText: name }).waitFor();
  await page.locator('.editor-instance .view-line span[class*="mtk"]').first().waitFor();
}

export const activeTab = (page) => page.locator('.editor-group-container.active .tab.active').getAttribute('data-resource-name');

/** In how many styles the text on screen is written. */
export function colourCount(page) {
  return page.locator('.editor-instance .view-line span[class*="mtk"]').evaluateAll((all) => new Set(all.map((one) => one.className)).size);
}

/** The texts of the lines on screen. */
export async function visibleLines(page) {
  const lines = await page.locator('.editor-group-container.active .editor-instance .view-line').allInnerTexts();
  return lines.map((line) => line.replaceAll('\u00a0', ' '));
}

/** The rows of the Problems view: a file, then what is wrong in it. */
export async function problemRows(page) {
  const texts = await page.locator('.markers-panel .monaco-list-row').allInnerTexts();
  return texts.map(evened);
}

// ---- views ------------------------------------------------------------------------------------------------------------

const paneOf = (page, title) => page.locator('.pane', { has: page.locator('.pane-header .title', { hasText: new RegExp(`^${title}$`, 'i') }) });

/** Opens (or, collapsed, expands) a view of the side bar by its title. */
export async function openPane(page, title) {
  const header = paneOf(page, title).locator('.pane-header');
  if (await header.getAttribute('aria-expanded') !== 'true') await header.click();
}

export async function closePane(page, title) {
  const header = paneOf(page, title).locator('.pane-header');
  if (await header.getAttribute('aria-expanded') === 'true') await header.click();
}

/** Puts away the panel at the bottom, where one is open. */
export async function closePanel(page) {
  const close = page.locator('.part.panel .action-label.codicon-panel-close, .part.panel .action-label[aria-label^="Hide Panel"]');
  if (await close.first().isVisible()) await close.first().click();
}

/** Drags the edge between the side bar and the editor to the right. */
export async function widenSideBar(page, pixels) {
  const { x, width } = await page.locator('.part.sidebar').boundingBox();
  await page.mouse.move(x + width + 1, 300);
  await page.mouse.down();
  await page.mouse.move(x + width + pixels, 300, { steps: 5 });
  await page.mouse.up();
}

/** The rows of a view as a reader sees them, white space made even. */
export async function paneRows(page, title) {
  const texts = await paneOf(page, title).locator('.monaco-list-row').evaluateAll((rows) => [...rows]
    .sort((one, other) => Number(one.dataset.index) - Number(other.dataset.index)).map((row) => row.innerText));
  return texts.map(evened);
}

/** Expands the row that begins with each of `names` (patterns), one inside the other, in the view `title`. */
export async function expandRows(page, title, ...names) {
  let level = 0;
  for (const name of names) {
    level++;
    const row = await findRow(page, title, name, level);
    let clicked = 0;
    await until(`${name} to open in ${title}`, async () => {
      if (await row.getAttribute('aria-expanded') === 'true') return true;
      // VS Code opens the stopped thread by itself: a click at that moment closes it.
      if (Date.now() - clicked < SLOW_TO_OPEN_MS) return false;
      clicked = Date.now();
      await row.locator('.monaco-tl-twistie').click();
      return false;
    });
  }
}

/** Collapses the row of level 2, or another, that begins with `name`, so that what stands below it comes near. */
export async function collapseRows(page, title, name, level = 2) {
  const row = await findRow(page, title, name, level);
  if (await row.getAttribute('aria-expanded') === 'true') await row.locator('.monaco-tl-twistie').click();
}

/** The row of that level whose text begins with `name` (a pattern), looked for from the top down: a row out of sight does not exist. */
export async function findRow(page, title, name, level) {
  const pane = paneOf(page, title);
  const row = pane.locator(`.monaco-list-row[aria-level="${level}"]`).filter({ hasText: new RegExp(`^\\s*${name}`) }).last();
  await pane.locator('.monaco-list').focus();
  let presses = 0;
  await until(`a row ${name} in ${title}`, async () => {
    if (await row.count() > 0) return true;
    // Rows come in while one looks: after so many pages begin again.
    await page.keyboard.press(presses++ % PAGES_IN_A_VIEW === 0 ? 'Home' : 'PageDown');
    return false;
  });
  return row;
}

// ---- debugging --------------------------------------------------------------------------------------------------------

/** A click on the line, F9. */
export async function toggleBreakpoint(page, textOfLine) {
  await page.locator('.editor-group-container.active .editor-instance .view-line', { hasText: textOfLine.replaceAll(' ', '\u00a0') }).click();
  await page.keyboard.press('F9');
  await page.waitForSelector('.codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified');
}

/** The + in the header of the Breakpoints view, the name, Enter. Once more where the view was laid out anew meanwhile, as after the end of a session:
 *  the input is then gone, and what was typed with it. */
export async function addFunctionBreakpoint(page, text) {
  await page.keyboard.press('Control+Shift+D');
  const added = rowsOf(page, 'debug-breakpoints').filter({ hasText: text });
  await until(`the breakpoint on ${text}`, async () => {
    if (await added.count() > 0) return true;
    await openPane(page, 'Breakpoints');
    await typeFunctionBreakpoint(page, text);
    return await added.waitFor({ timeout: SLOW_TO_OPEN_MS }).then(() => true, () => false);
  });
}

async function typeFunctionBreakpoint(page, text) {
  const pane = paneOf(page, 'Breakpoints');
  const input = pane.locator('.breakpoint input[type="text"], .monaco-inputbox input').first();
  if (await input.count() > 0) await page.keyboard.press('Escape');
  await pane.locator('.pane-header').hover();
  await pane.locator('.action-label[aria-label="Add Function Breakpoint"]').click({ timeout: SLOW_TO_OPEN_MS }).catch(() => {});
  const isThere = await input.waitFor({ timeout: SLOW_TO_OPEN_MS }).then(() => true, () => false);
  if (!isThere) return;
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
}

/** F5 with the focus in the editor; answers the stack of the first stop. Of several threads the one of that name is opened. */
export async function startDebugging(page, thread) {
  await page.locator('.editor-group-container.active .editor-instance .view-lines').click({ position: { x: 300, y: 30 } });
  await page.keyboard.press('F5');
  await page.waitForSelector('.debug-toolbar');
  await openPane(page, 'Call Stack');
  if (thread) await expandRows(page, 'Call Stack', thread);
  return stackOtherThan(page, '');
}

/** F5 again; answers the stack of the next stop. */
export const continueDebugging = (page) => resume(page, 'F5');

/** F11; answers the stack it leads to. */
export const stepInto = (page) => resume(page, 'F11');

/** Shift+F5, until nothing of the session is left. */
export async function endDebugging(page) {
  await page.keyboard.press('Shift+F5');
  await page.waitForSelector('.debug-toolbar', { state: 'hidden' });
}

/** The call stack's frames, innermost first. */
export function callStack(page) {
  return rowsOf(page, 'debug-call-stack').evaluateAll((rows) => {
    const textOf = (row, part) => row.querySelector(`.stack-frame ${part}`)?.textContent ?? '';
    // A list keeps its rows in no order, and says where each belongs.
    const sorted = [...rows].sort((one, other) => Number(one.dataset.index) - Number(other.dataset.index));
    return sorted.map((row) => ({ name: textOf(row, '.label'), file: textOf(row, '.file-name'), line: textOf(row, '.line-number') }))
      .filter((frame) => frame.name !== '');
  });
}

/** Presses a key that sets the machine going, and waits until the innermost frame is another place than before. */
async function resume(page, key) {
  const [before] = await callStack(page);
  await page.keyboard.press(key);
  return stackOtherThan(page, placeOf(before));
}

/** While the machine runs the view still shows old frames, some of them: a stop is a stack that is new, and the same at two looks. */
async function stackOtherThan(page, place) {
  let before = [];
  return until('a stop', async () => {
    const frames = await callStack(page);
    const isSettled = JSON.stringify(frames) === JSON.stringify(before);
    before = frames;
    return isSettled && frames.length > 0 && placeOf(frames[0]) !== place && frames;
  });
}

const placeOf = (frame) => `${frame.name} ${frame.file} ${frame.line}`;

/** `Ln 12, Col 5` of the status bar: where the editor stands. */
export async function cursorPlace(page) {
  const text = await page.locator('.statusbar-item[id="status.editor.selection"]').innerText();
  const [, line, column] = /Ln (\d+), Col (\d+)/.exec(text) ?? [];
  return { line: Number(line), column: Number(column) };
}

// ---- waiting ----------------------------------------------------------------------------------------------------------

/** Answers what `look` answers as soon as it is something; `what` is for the message where it never is. */
export async function until(what, look) {
  const limit = Date.now() + PATIENCE_MS;
  while (Date.now() < limit) {
    const seen = await look();
    if (seen) return seen;
    await delay(100);
  }
  throw new Error(`waited ${PATIENCE_MS / 1000} s in vain for ${what}`);
}

const evened = (text) => text.replace(/\s+/g, ' ').trim();
