// Rows of the Zones tree below the nodes: what the kernel's allocators have made of their pages.
//
//   Slab caches                  9 caches · 40 KiB
//     size-128                     21 of 30 objects (+1) · 1 slab
//   Mempools                     1 pool
//     driver-0                     3 (−1) of 4 in reserve · blocks of 8 KiB
//   Vmalloc areas                1 area · 24 KiB
//     0xf8800000                   24 KiB · VM_ALLOC · 5 pages
//
// A cache without slabs has no row: there are dozens. /proc/slabinfo has them all.
import type { AreaRow, CacheRow, PoolRow, ZonesResponse } from '../../debug-adapter/protocol.ts';
import type { Row, RowWriter } from './rows.ts';
import { bytes, counted, grouped, size, value } from './rows.ts';

/** A group for each sort that the adapter tells of. */
export function allocatorRows({ caches, pools, vmalloc }: ZonesResponse, writer: RowWriter): Row[] {
  return [
    ...(caches === undefined ? [] : [cachesRow(caches.filter(({ num_slabs }) => num_slabs > 0), writer)]),
    ...(pools === undefined ? [] : [poolsRow(pools, writer)]),
    ...(vmalloc === undefined ? [] : [areasRow(vmalloc)]),
  ];
}

function cachesRow(caches: CacheRow[], writer: RowWriter): Row {
  const pages = caches.reduce((sum, cache) => sum + pagesOf(cache), 0);
  return group({
    id: 'caches', label: 'Slab caches', description: `${counted(caches.length, 'cache')} · ${size(pages)}${writer.change('caches', pages)}`,
    tooltip: 'Caches of objects of one size, cut from slabs of whole pages. Those without a slab are not listed.',
    children: caches.map((cache) => cacheRow(cache, writer)),
  });
}

function pagesOf({ num_slabs, pages_per_slab }: CacheRow): number {
  return num_slabs * pages_per_slab;
}

function cacheRow(cache: CacheRow, writer: RowWriter): Row {
  const id = `caches/${cache.name}`;
  const change = writer.change(id, cache.active_objs);
  return value({
    id, label: cache.name,
    description: `${grouped(cache.active_objs)}${change} of ${counted(cache.num_objs, 'object')} · ${counted(cache.num_slabs, 'slab')}`,
    tooltip: `Objects of ${bytes(cache.object_size)}, ${cache.objs_per_slab} in a slab of ${size(cache.pages_per_slab)}. `
      + `${grouped(cache.active_objs)} of ${grouped(cache.num_objs)} are in use or kept by a CPU. `
      + `Slabs with objects in use: ${cache.active_slabs} of ${cache.num_slabs}, ${size(pagesOf(cache))} in all.`,
  });
}

function poolsRow(pools: PoolRow[], writer: RowWriter): Row {
  return group({
    id: 'mempools', label: 'Mempools', description: pools.length === 0 ? 'none' : counted(pools.length, 'pool'),
    tooltip: 'Reserves for requests that must not fail: the allocator is asked first.',
    children: pools.map((pool) => poolRow(pool, writer)),
  });
}

function poolRow(pool: PoolRow, writer: RowWriter): Row {
  const id = `mempools/${pool.name}`;
  const waiting = pool.waiting === 0 ? '' : ` · ${counted(pool.waiting, 'task')} waiting`;
  return value({
    id, label: pool.name, description: `${pool.curr_nr}${writer.change(id, pool.curr_nr)} of ${pool.min_nr} in reserve · ${pool.of}${waiting}`,
    tooltip: `curr_nr = ${pool.curr_nr}, min_nr = ${pool.min_nr}: ${pool.of}. What is freed refills the reserve first.`,
  });
}

function areasRow(areas: AreaRow[]): Row {
  const total = areas.reduce((sum, area) => sum + area.size, 0);
  return group({
    id: 'vmalloc', label: 'Vmalloc areas', description: areas.length === 0 ? 'none' : `${counted(areas.length, 'area')} · ${bytes(total)}`,
    tooltip: 'vmlist: pages from anywhere, mapped side by side. Sizes are with the guard page behind each area.',
    children: areas.map(areaRow),
  });
}

function areaRow({ addr, size: total, nr_pages, flags }: AreaRow): Row {
  const own = nr_pages === 0 ? '' : ` · ${counted(nr_pages, 'page')}`;
  return value({
    id: `vmalloc/${addr}`, label: addr, description: `${bytes(total)} · ${flags}${own}`,
    tooltip: nr_pages === 0 ? 'Addresses for memory that is not its own, and a guard page.' : `${counted(nr_pages, 'page')} of its own, and a guard page.`,
  });
}

function group(row: Pick<Row, 'id' | 'label' | 'description' | 'tooltip' | 'children'>): Row {
  return { ...row, state: 'group', isOpen: false };
}
