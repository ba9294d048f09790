// What an expression may read: the names that are always there, and the members of what the machine hands out. Plain data: no imports.
// A type is 'number', 'string', 'boolean', 'any', a name of OBJECTS, `NAME[]` for a list of it, or `NAME{}` for a collection by name.

export interface MemberInfo {
  type: string;
  doc: string;
}

export type Members = Readonly<Record<string, MemberInfo>>;

const NUMBER = (doc: string): MemberInfo => ({ type: 'number', doc });

/** Names that every expression may read. */
export const GLOBALS: Members = {
  nodes: { type: 'node[]', doc: 'The NUMA nodes; `nodes[0]` is the only one of most machines.' },
  zones: { type: 'zone{}', doc: 'The zones of node 0: `zones.NORMAL`.' },
  processes: { type: 'process{}', doc: 'Every task by name; a copy is `processes["hog.0"]`.' },
  current: { type: 'process', doc: 'The task that runs.' },
  caches: { type: 'cache{}', doc: 'The slab caches: `caches["size-128"]`, which is also `caches["kmalloc-128"]`.' },
  mempools: { type: 'mempool{}', doc: 'The memory pools, named after the task that made them: `mempools["driver-0"]`.' },
  vmlist: { type: 'vm_struct[]', doc: 'The areas of vmalloc space by address.' },
  vmstat: { type: 'vmstat', doc: 'The counters of /proc/vmstat.' },
  meminfo: { type: 'meminfo', doc: 'The figures of /proc/meminfo, in KiB.' },
  files: { type: 'file{}', doc: 'The files by path: `files["/var/log/big"]`.' },
  swaps: { type: 'swap{}', doc: 'The swap areas by name: `swaps.sda2`.' },
  oom: { type: 'oom', doc: 'What the OOM killer has done.' },
  events: { type: 'number{}', doc: 'How often a tracepoint or a kernel function was passed.' },
  now: NUMBER('Virtual time since boot, in ns.'),
  jiffies: NUMBER('Ticks of the clock since boot.'),
  mem_map: { type: 'page[]', doc: 'The pages of all frames.' },
  sysctl: { type: 'any', doc: 'The settings of the kernel by name: `sysctl.min_free_kbytes`.' },
  totalram_pages: NUMBER('Pages that the page allocator manages.'),
  totalhigh_pages: NUMBER('Those of them in high memory.'),
  totalreserve_pages: NUMBER('Pages that the watermarks and reserves keep back.'),
  vm_total_pages: NUMBER('Pages that requests could be answered with when the zonelists were built.'),
};

const ZONE_COUNTERS = [
  'nr_anon_pages', 'nr_mapped', 'nr_file_pages', 'nr_slab', 'nr_page_table_pages', 'nr_dirty', 'nr_writeback', 'nr_unstable', 'nr_bounce',
  'numa_hit', 'numa_miss', 'numa_foreign', 'numa_interleave', 'numa_local', 'numa_other',
];
const VMSTAT_PLAIN = [
  ...ZONE_COUNTERS,
  'pgpgin', 'pgpgout', 'pswpin', 'pswpout', 'pgfree', 'pgactivate', 'pgdeactivate', 'pgfault', 'pgmajfault', 'pginodesteal', 'slabs_scanned', 'kswapd_steal',
  'kswapd_inodesteal', 'pageoutrun', 'allocstall', 'pgrotated',
];
const VMSTAT_BY_ZONE = ['pgalloc', 'pgrefill', 'pgsteal', 'pgscan_kswapd', 'pgscan_direct'];
const ZONE_SUFFIXES = ['dma', 'dma32', 'normal', 'high'];

/** The counters of /proc/vmstat (KERNEL.md CT-1, CT-3). */
export const VMSTAT_NAMES: readonly string[] = [...VMSTAT_PLAIN, ...VMSTAT_BY_ZONE.flatMap((name) => ZONE_SUFFIXES.map((zone) => `${name}_${zone}`))];

/** The figures of /proc/meminfo (KERNEL.md PR-3). */
export const MEMINFO_NAMES: readonly string[] = [
  'MemTotal', 'MemFree', 'Buffers', 'Cached', 'SwapCached', 'Active', 'Inactive', 'HighTotal', 'HighFree', 'LowTotal', 'LowFree', 'SwapTotal', 'SwapFree', 'Dirty',
  'Writeback', 'AnonPages', 'Mapped', 'Slab', 'PageTables', 'NFS_Unstable', 'Bounce', 'CommitLimit', 'Committed_AS', 'VmallocTotal', 'VmallocUsed', 'VmallocChunk',
];

/** The members of each kind of object. */
export const OBJECTS: Readonly<Record<string, Members>> = {
  node: {
    zones: { type: 'zone{}', doc: 'The zones of this node.' },
    id: NUMBER('The number of this node.'),
    distance: { type: 'number[]', doc: 'How far every node is from this one; 10 is the node itself.' },
    cpus: { type: 'number[]', doc: 'The CPUs of this node.' },
    node_start_pfn: NUMBER('Its first frame.'),
    node_present_pages: NUMBER('Pages that exist.'),
    node_spanned_pages: NUMBER('Pages from the first to the last, holes counted.'),
  },
  zone: {
    free_pages: NUMBER('Free pages, those on per-CPU lists not counted.'),
    present_pages: NUMBER('Pages that exist.'),
    spanned_pages: NUMBER('Pages from the first to the last, holes counted.'),
    pages_min: NUMBER('Below this only the neediest may allocate.'),
    pages_low: NUMBER('Below this kswapd is woken.'),
    pages_high: NUMBER('Up to this kswapd reclaims.'),
    nr_active: NUMBER('Pages on the active list.'),
    nr_inactive: NUMBER('Pages on the inactive list.'),
    lowmem_reserve: { type: 'number[]', doc: 'Pages kept from requests that could use higher zones.' },
    free_area: { type: 'free_area[]', doc: 'The free lists by order.' },
    pcp: { type: 'pcp[]', doc: 'The per-CPU lists.' },
    all_unreclaimable: NUMBER('1 when reclaim has given this zone up.'),
    zone_start_pfn: NUMBER('Its first frame.'),
    node: { type: 'node', doc: 'Its node.' },
    ...counters(ZONE_COUNTERS, 'A counter of this zone, as in /proc/zoneinfo.'),
    name: { type: 'string', doc: 'The name of the zone.' },
  },
  free_area: { nr_free: NUMBER('Free blocks of this order.') },
  pcp: { hot: { type: 'pcp_list', doc: 'Pages that are likely in the cache.' }, cold: { type: 'pcp_list', doc: 'Pages that are not.' } },
  pcp_list: { count: NUMBER('Pages on the list.'), high: NUMBER('Above this it is drained.'), batch: NUMBER('Pages moved at a time.') },
  page: {
    pfn: NUMBER('The frame\'s number.'),
    flags: NUMBER('The flag bits.'),
    _count: NUMBER('References to the page.'),
    _mapcount: NUMBER('Page table entries that map it, less one.'),
    mapping: { type: 'any', doc: 'The file or anonymous area it belongs to.' },
    index: NUMBER('Its place there, in pages.'),
    private: NUMBER('The order of a free block, or a swap entry.'),
    order: NUMBER('The order of the free block it heads.'),
    lru: { type: 'any', doc: 'The list it stands on.' },
    zone: { type: 'any', doc: 'Its zone.' },
    node: { type: 'any', doc: 'Its node.' },
    flag: { type: 'function', doc: 'Whether a flag is set: `flag("PG_dirty")`.' },
  },
  pte: {
    present: NUMBER('1 when a frame is mapped.'),
    pfn: NUMBER('The frame.'),
    writable: NUMBER('1 when it may be written.'),
    dirty: NUMBER('1 when it was written.'),
    accessed: NUMBER('1 when it was used.'),
    user: NUMBER('1 when user mode may use it.'),
    swap_entry: NUMBER('Where the page stands in swap; 0 when it is not swapped out.'),
  },
  process: {
    pid: NUMBER('Its number.'),
    comm: { type: 'string', doc: 'Its name.' },
    rss: NUMBER('Resident pages.'),
    anon_rss: NUMBER('Resident pages of anonymous memory.'),
    file_rss: NUMBER('Resident pages of files.'),
    swap_pages: NUMBER('Pages in swap.'),
    nr_ptes: NUMBER('Page table pages.'),
    total_vm: NUMBER('Pages of address space.'),
    maj_flt: NUMBER('Faults that had to read from a disk.'),
    min_flt: NUMBER('Faults that had not.'),
    vmas: { type: 'vma[]', doc: 'Its memory areas by address.' },
    oom_adj: NUMBER('-17 (never killed) to 15.'),
    badness: NUMBER('What the OOM killer would rate it.'),
    state: { type: 'any', doc: 'Whether it runs, sleeps or has ended.' },
    signal: NUMBER('The signal that ended it; 0 when it exited.'),
  },
  vma: {
    start: NUMBER('Its first address.'),
    end: NUMBER('The address after its last.'),
    flags: NUMBER('The VM_ flags.'),
    file: { type: 'any', doc: 'The path of its file.' },
    pgoff: NUMBER('Where it starts in the file, in pages.'),
    anon: { type: 'any', doc: 'Whether it has anonymous pages.' },
  },
  cache: {
    name: { type: 'string', doc: 'The name of the cache.' },
    object_size: NUMBER('Bytes of an object.'),
    active_objs: NUMBER('Objects in use, those that per-CPU arrays keep among them.'),
    num_objs: NUMBER('Objects there is room for.'),
    objs_per_slab: NUMBER('Objects in a slab.'),
    pages_per_slab: NUMBER('Pages of a slab.'),
    active_slabs: NUMBER('Slabs with objects in use.'),
    num_slabs: NUMBER('All slabs.'),
    slabs: { type: 'slab[]', doc: 'Its slabs: full ones first, then partial and free ones, node by node.' },
    array: { type: 'array_cache[]', doc: 'The array of free objects that each CPU keeps.' },
    nodelists: { type: 'kmem_list3[]', doc: 'Its lists of slabs, by node.' },
    limit: NUMBER('Objects that a CPU keeps at most.'),
    batchcount: NUMBER('Objects that are moved at a time.'),
    shared: NUMBER('Batches that the CPUs of a node share.'),
    buffer_size: NUMBER('Bytes from one object to the next, with what debugging adds.'),
    align: NUMBER('Objects begin at a multiple of it.'),
    colour: NUMBER('How many places the first object of a slab may have.'),
    colour_off: NUMBER('Bytes from one such place to the next.'),
    gfporder: NUMBER('A slab has 2^n pages.'),
    slab_size: NUMBER('Bytes of a slab\'s management.'),
    flags: NUMBER('The SLAB_ flags.'),
  },
  slab: {
    cache: { type: 'cache', doc: 'Its cache.' },
    list: { type: 'string', doc: 'The list it is on: slabs_full, slabs_partial or slabs_free.' },
    inuse: NUMBER('Objects that are not free.'),
    free: NUMBER('Number of the first free object.'),
    objects: { type: 'slab_object[]', doc: 'All its objects by address.' },
    s_mem: NUMBER('Address of the first object.'),
    address: NUMBER('Address of its management.'),
    colouroff: NUMBER('Bytes before the first object.'),
    nodeid: NUMBER('Its node.'),
  },
  slab_object: { address: NUMBER('Where it is.'), state: { type: 'string', doc: 'Whether it is in use, or where it waits.' }, size: NUMBER('Its bytes.') },
  array_cache: {
    avail: NUMBER('Objects in the array.'),
    limit: NUMBER('How many it takes.'),
    batchcount: NUMBER('Objects moved at a time.'),
    touched: NUMBER('1 when it was used since it was last reaped.'),
    entry: { type: 'slab_object[]', doc: 'The objects, the next to be handed out first.' },
  },
  kmem_list3: {
    slabs_full: { type: 'slab[]', doc: 'Slabs without a free object.' },
    slabs_partial: { type: 'slab[]', doc: 'Slabs with objects of both sorts.' },
    slabs_free: { type: 'slab[]', doc: 'Slabs without an object in use.' },
    free_objects: NUMBER('Free objects of all these slabs.'),
    free_limit: NUMBER('How many are kept.'),
    colour_next: NUMBER('The colour of the next slab.'),
    next_reap: NUMBER('When its free slabs are looked at again, in jiffies.'),
    free_touched: NUMBER('1 when a free slab was used since then.'),
    shared: { type: 'array_cache', doc: 'Objects that the CPUs of the node share; 0 when there are none to share.' },
    alien: { type: 'array_cache[]', doc: 'Objects of other nodes on their way home; 0 on a machine with one node.' },
  },
  mempool: {
    name: { type: 'string', doc: 'Its name.' },
    min_nr: NUMBER('Elements it keeps in reserve.'),
    curr_nr: NUMBER('Elements in reserve now.'),
    elements: { type: 'any', doc: 'The reserve: pages, or addresses.' },
    of: { type: 'string', doc: 'What its elements are.' },
    cache: { type: 'any', doc: 'The cache of its elements, or 0.' },
    waiting: { type: 'process[]', doc: 'The tasks that wait for an element.' },
  },
  vm_struct: {
    addr: NUMBER('Its first address.'),
    size: NUMBER('Its bytes, the guard page with them.'),
    flags: NUMBER('The VM_ flags of vmalloc.'),
    nr_pages: NUMBER('Pages that are its own.'),
    pages: { type: 'page[]', doc: 'Those pages.' },
    phys_addr: NUMBER('What an ioremap area shows.'),
  },
  file: { size: NUMBER('Bytes.'), cached_pages: NUMBER('Pages in the page cache.'), dirty_pages: NUMBER('Pages that wait to be written.') },
  swap: { size: NUMBER('Bytes of the area.'), used: NUMBER('Bytes of it in use.') },
  oom: { kills: NUMBER('How many processes were killed.'), victims: { type: 'victim[]', doc: 'Those processes in order.' } },
  victim: { comm: { type: 'string', doc: 'Its name.' }, pid: NUMBER('Its number.'), badness: NUMBER('What it was rated.'), rss: NUMBER('Its resident pages when it was chosen.') },
  vmstat: counters(VMSTAT_NAMES, 'A counter of /proc/vmstat.'),
  meminfo: counters(MEMINFO_NAMES, 'A figure of /proc/meminfo, in KiB.'),
};

/** The types of the built-in functions' results, where they have members. */
export const CALL_TYPES: Readonly<Record<string, string>> = { page: 'page', page_of: 'page', pte: 'pte' };

/** The page flags that `flag("PG_…")` knows (include/linux/page-flags.h). */
export const PAGE_FLAGS: readonly string[] = [
  'PG_locked', 'PG_error', 'PG_referenced', 'PG_uptodate', 'PG_dirty', 'PG_lru', 'PG_active', 'PG_slab', 'PG_checked', 'PG_arch_1', 'PG_reserved', 'PG_private',
  'PG_writeback', 'PG_nosave', 'PG_compound', 'PG_swapcache', 'PG_mappedtodisk', 'PG_reclaim', 'PG_nosave_free', 'PG_buddy', 'PG_uncached',
];

function counters(names: readonly string[], doc: string): Members {
  return Object.fromEntries(names.map((name) => [name, NUMBER(doc)]));
}
