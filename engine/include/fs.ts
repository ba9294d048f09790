// @nohooks
// What include/linux/fs.h declares beside inodes and open files (include/mm_types.ts): super blocks, the state of inodes, and what the flat file
// system keeps of each disk.

/** inode.i_state: its times, its size, its pages changed since they were written; it is being written. */
export const I_DIRTY_SYNC = 1;
export const I_DIRTY_DATASYNC = 2;
export const I_DIRTY_PAGES = 4;
export const I_LOCK = 8;
export const I_DIRTY = I_DIRTY_SYNC | I_DIRTY_DATASYNC | I_DIRTY_PAGES;

/** inode.flags (address_space.flags): a write failed, or found no room, and nobody was told yet. */
export const AS_EIO = 1;
export const AS_ENOSPC = 2;

/** Flags of open() that files keep (include/asm-generic/fcntl.h). */
export const O_ACCMODE = 3;
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_SYNC = 0o10000;
export const O_DIRECT = 0o40000;

/** From where lseek counts. */
export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;

/** The last byte that a file may have (s_maxbytes), as a page cache of i386 sets it; the flat file system has the same limit on x86_64. */
export const MAX_LFS_FILESIZE = 2 ** 43 - 1;

/** Blocks of a disk that hold pages of a file: page `index` + i lies in block `block` + i. */
export interface extent {
  index: number;
  nr: number;
  block: number;
}

/** A file as the disk's own directory has it: what is found there after the power was cut. */
export interface disk_inode {
  path: string;
  size: number;
  extents: extent[];
}

/** Blocks, `nr` from `start` on. */
export interface block_run {
  start: number;
  nr: number;
}

/** The file system of one disk: its dirty inodes, its directory, its free blocks (fs/flat.ts). */
export interface super_block {
  /** Id of its disk. */
  s_bdev: number;
  /** inode numbers, the one that came last first: dirty ones, and those that the walk under way still has to write (WB-11). */
  s_dirty: number[];
  s_io: number[];
  /** The directory as it is on the disk, by path. */
  directory: Map<string, disk_inode>;
  /** Free blocks, ascending; and those that are free as soon as the inode that gave them up was written, by its number. */
  free: block_run[];
  freed_by: Map<number, block_run[]>;
}
