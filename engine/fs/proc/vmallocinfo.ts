// @nohooks
// /proc/vmallocinfo: the areas of vmalloc space. 2.6.18 has no such file; the form is that of 2.6.28 and later (KERNEL.md PR-10), and the text says
// so. The later kernel also names each area's caller, which 2.6.18 does not keep.

import type { Kernel } from '../../kernel.ts';
import type { vm_struct } from '../../include/vmalloc.ts';
import { VM_ALLOC, VM_IOREMAP, VM_MAP, VM_USERMAP, VM_VPAGES } from '../../include/vmalloc.ts';
import { show_pointer } from '../../mm/slab_lists.ts';

/** First line of the file here: people must not take it for one of the modelled kernel. */
const ANACHRONISM = '# 2.6.18 has no /proc/vmallocinfo: this is the form of 2.6.28 and later\n';

/** What a flag is called, in the order the later kernel prints them. */
const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [VM_IOREMAP, 'ioremap'], [VM_ALLOC, 'vmalloc'], [VM_MAP, 'vmap'], [VM_USERMAP, 'user'], [VM_VPAGES, 'vpages'],
];

export function proc_vmallocinfo(k: Kernel): string {
  return ANACHRONISM + k.vmlist.map((area) => `${row(k, area)}\n`).join('');
}

function row(k: Kernel, area: vm_struct): string {
  const range = `0x${show_pointer(k, area.addr)}-0x${show_pointer(k, area.addr + area.size)} ${String(area.size).padStart(7)}`;
  const pages = area.nr_pages === 0 ? [] : [`pages=${area.nr_pages}`];
  const phys = area.phys_addr === 0 ? [] : [`phys=${area.phys_addr.toString(16)}`];
  return [range, ...pages, ...phys, ...FLAG_NAMES.filter(([flag]) => (area.flags & flag) !== 0).map(([, name]) => name)].join(' ');
}
