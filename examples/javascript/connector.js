// A shop's feed of changes, in JavaScript: the same connector as examples/orders/connector.py.

import { log } from 'sluice:connector/logging@0.1.0';

import { Writer } from './writer.js';
import { definition } from './values.js';

const PAGE_SIZE = 40;

const ORDERS = {
  name: 'orders',
  primaryKey: ['id'],
  columns: {
    id: 'int',
    reference: 'long',
    customer: 'text',
    total: ['decimal', 12, 2],
    weight: 'double',
    paid: 'boolean',
    ordered_on: 'naive-date',
    delivery: 'naive-datetime',
    changed_at: 'utc-datetime',
    receipt: 'binary',
    tags: 'json',
    note: 'text',
  },
};

const LINES = {
  name: 'order_lines',
  primaryKey: ['order_id', 'line'],
  columns: { order_id: 'int', line: 'int', product: 'text', quantity: 'int', price: 'decimal' },
};

// `result<list<table-definition>, failure>` of the contract: what is returned is the list, what is thrown the failure.
export function schema() {
  return failing(() => [definition(ORDERS), definition(LINES)]);
}

export function sync(configuration, state) {
  return failing(() => update(JSON.parse(configuration), JSON.parse(state)));
}

async function update(configuration, state) {
  const writer = new Writer();
  let position = state.position ?? 0;
  log('info', `reading changes after ${position}`);
  for (let more = true; more; ) {
    const page = await get(configuration, `/changes?after=${position}&limit=${PAGE_SIZE}`);
    for (const change of page.changes) {
      send(writer, change);
      position = change.position;
    }
    // Whatever the state says has been read has been sent before.
    writer.checkpoint({ position });
    more = page.more;
  }
  log('info', `read changes up to ${position}`);
}

function send(writer, change) {
  if (change.kind === 'order') {
    const { lines, ...order } = change.order;
    const receipt = order.receipt === null ? null : Uint8Array.from(atob(order.receipt), (byte) => byte.charCodeAt(0));
    writer.write('upsert', ORDERS, { ...order, receipt });
    for (const line of lines) {
      writer.write('upsert', LINES, { order_id: order.id, ...line });
    }
  } else if (change.kind === 'paid') {
    writer.write('update', ORDERS, { id: change.id, paid: true, changed_at: change.changed_at });
  } else if (change.kind === 'removed') {
    writer.write('delete', ORDERS, { id: change.id });
    for (const line of change.lines) {
      writer.write('delete', LINES, { order_id: change.id, line });
    }
  } else {
    log('warning', `a change of an unknown kind, ${change.kind}, was left out`);
  }
}

async function get(configuration, path) {
  const headers = { Authorization: `Bearer ${configuration.token}` };
  const response = await fetch(configuration.base_url + path, { headers });
  if (!response.ok) {
    throw new Error(`the shop answered ${response.status}`);
  }
  return response.json();
}

// What a function throws, as the contract's `failure`. Without this the component would end in a trap.
async function failing(work) {
  try {
    return await work();
  } catch (error) {
    const { tag, val } = error.payload ?? {};
    const message = tag === undefined ? error.message : `${tag}: ${val}`;
    throw Object.assign(new Error(message), {
      payload: { kind: error.name, message, traceback: error.stack ?? '' },
    });
  }
}
