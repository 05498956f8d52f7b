/*
 * A power cut for one process, as an LD_PRELOAD library.
 *
 * A write reaches the disk for certain only when fsync or fdatasync on its file has returned. Until then a power cut may
 * leave any mixture of old and new blocks. This library keeps what every 4 KiB block held at its file's last sync, and at
 * a chosen write puts old blocks back and ends the process at once. sync_file_range counts as nothing: its manual page
 * says that it flushes no disk cache and writes no metadata.
 *
 * Environment:
 *   POWER_CUT_DIR    only regular files below this folder (absolute, no links in it) are watched; unset: nothing is
 *   POWER_CUT_AFTER  cut instead of the n-th watched write
 *   POWER_CUT_MODE   "all": every unsynced block is lost, and files get their synced length back
 *                    "random": each block and each length is lost or kept by the toss of a coin
 *   POWER_CUT_SEED   of the coin
 * The process then exits with status 86. Two more modes are of a disk that fails under a process that goes on:
 *                    "lost": every n-th fdatasync of a file with unsynced blocks fails with EIO, and they are gone. As
 *                    with the kernel's cache, a second attempt would report success.
 *                    "full": every n-th watched write fails with ENOSPC
 *   POWER_CUT_WHEN   a file: the disk fails only while it is there
 *
 * Watched: write, pwrite, writev, pwritev, ftruncate and their 64-bit names. Not modelled: lost directory entries (creation,
 * rename and removal are durable at once), O_TRUNC, O_DSYNC, mmap, io_uring.
 *
 *   cc -shared -fPIC -O2 -pthread -o power_cut.so power_cut.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#if !defined(__linux__) || !defined(__LP64__)
#error "this library knows 64-bit Linux only"
#endif

enum { BLOCK = 4096, BUCKETS = 1024, EXIT_STATUS = 86 };

/* What one block held at the last sync. Bytes past the end of the file are zero, as they would read in a hole. */
struct block {
    struct block *next;
    off_t number;
    unsigned char before[BLOCK];
};

/* A file with writes. Its own handle keeps the inode alive, so the number is never reused for another file. */
struct file {
    struct file *next;
    dev_t device;
    ino_t inode;
    int handle;
    off_t synced_size;
    struct block *blocks[BUCKETS];
};

/*
 * One lock around every watched call, sync included: a write is then either before a sync or after it, and what a sync
 * made durable is known exactly. A cut never gives it back, so nobody gets past a sync after the cut.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;
static char directory[PATH_MAX];
static size_t directory_length;
static long cut_after, writes;
static int random_mode, lost_mode, full_mode;
static long syncs, refusals;
static const char *when;
static uint64_t coin;

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("POWER_CUT_DIR");
    const char *after = getenv("POWER_CUT_AFTER");
    const char *mode = getenv("POWER_CUT_MODE");
    const char *seed = getenv("POWER_CUT_SEED");
    if (path == NULL || strlen(path) >= sizeof directory)
        return;
    strcpy(directory, path);
    directory_length = strlen(path);
    cut_after = after != NULL ? atol(after) : LONG_MAX;
    random_mode = mode != NULL && strcmp(mode, "random") == 0;
    lost_mode = mode != NULL && strcmp(mode, "lost") == 0;
    full_mode = mode != NULL && strcmp(mode, "full") == 0;
    when = getenv("POWER_CUT_WHEN");
    coin = (seed != NULL ? strtoull(seed, NULL, 10) : 1) * 2862933555777941757u + 3037000493u;
}

static void broken(const char *what)
{
    perror(what);
    abort();
}

static int fails(void)
{
    return when == NULL || access(when, F_OK) == 0;
}

static int toss(void)
{
    coin ^= coin << 13;
    coin ^= coin >> 7;
    coin ^= coin << 17;
    return (int)(coin >> 40) & 1;
}

static int watched(int fd, struct stat *status)
{
    char link[64], path[PATH_MAX];
    ssize_t length;
    if (directory_length == 0 || fstat(fd, status) != 0 || !S_ISREG(status->st_mode))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path);
    return length > (ssize_t)directory_length && memcmp(path, directory, directory_length) == 0 &&
           path[directory_length] == '/';
}

static struct file *find(const struct stat *status)
{
    struct file *file = files;
    while (file != NULL && (file->device != status->st_dev || file->inode != status->st_ino))
        file = file->next;
    return file;
}

/* The record of a file. What it holds when it is first seen counts as synced; a new file holds nothing. */
static struct file *find_or_add(int fd, const struct stat *status)
{
    struct file *file = find(status);
    char link[64];
    if (file != NULL)
        return file;
    file = calloc(1, sizeof *file);
    if (file == NULL)
        broken("power_cut: calloc");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    file->handle = open(link, O_RDWR | O_CLOEXEC);
    if (file->handle < 0)
        broken("power_cut: open");
    file->device = status->st_dev;
    file->inode = status->st_ino;
    file->synced_size = status->st_size;
    file->next = files;
    files = file;
    return file;
}

/* Keeps what these bytes hold, where that is not kept already. */
static void keep(struct file *file, off_t offset, size_t length)
{
    off_t number;
    if (length == 0)
        return;
    for (number = offset / BLOCK; number <= (offset + (off_t)length - 1) / BLOCK; number++) {
        struct block **bucket = &file->blocks[number % BUCKETS], *block = *bucket;
        while (block != NULL && block->number != number)
            block = block->next;
        if (block != NULL)
            continue;
        block = calloc(1, sizeof *block);
        if (block == NULL)
            broken("power_cut: calloc");
        block->number = number;
        if (pread(file->handle, block->before, BLOCK, number * BLOCK) < 0)
            broken("power_cut: pread");
        block->next = *bucket;
        *bucket = block;
    }
}

static void put_back(struct file *file, const struct block *block, off_t size)
{
    off_t offset = block->number * BLOCK;
    size_t length = size - offset < BLOCK ? (size_t)(size - offset) : BLOCK;
    if (offset < size && syscall(SYS_pwrite64, file->handle, block->before, length, offset) != (ssize_t)length)
        broken("power_cut: pwrite");
}

/* Puts back what was not synced: all of it, or what the coin says. */
static void lose(struct file *file)
{
    struct stat status;
    size_t bucket;
    if (fstat(file->handle, &status) != 0)
        broken("power_cut: fstat");
    for (bucket = 0; bucket < BUCKETS; bucket++) {
        struct block *block;
        for (block = file->blocks[bucket]; block != NULL; block = block->next)
            if (!random_mode || toss())
                put_back(file, block, status.st_size);
    }
    if (status.st_size != file->synced_size && (!random_mode || toss()))
        if (syscall(SYS_ftruncate, file->handle, file->synced_size) != 0)
            broken("power_cut: ftruncate");
}

/* The cut. The lock is held, and stays so. */
static void cut(void)
{
    struct file *file;
    for (file = files; file != NULL; file = file->next)
        lose(file);
    _exit(EXIT_STATUS);
}

/* Before a write of a watched file: keeps what it overwrites, or cuts. Returns with the lock held; 0: no room. */
static int before_write(int fd, const struct stat *status, off_t offset, size_t length)
{
    pthread_mutex_lock(&lock);
    if (++writes >= cut_after && !lost_mode && !full_mode)
        cut();
    if (full_mode && fails() && ++refusals % cut_after == 0) {
        errno = ENOSPC;
        return 0;
    }
    keep(find_or_add(fd, status), offset, length);
    return 1;
}

static ssize_t after_write(ssize_t result)
{
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

static off_t position(int fd, const struct stat *status)
{
    return fcntl(fd, F_GETFL) & O_APPEND ? status->st_size : lseek(fd, 0, SEEK_CUR);
}

static size_t total(const struct iovec *parts, int count)
{
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += parts[i].iov_len;
    return length;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    struct stat status;
    if (!watched(fd, &status))
        return syscall(SYS_write, fd, bytes, length);
    return after_write(before_write(fd, &status, position(fd, &status), length) ? syscall(SYS_write, fd, bytes, length) : -1);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset)
{
    struct stat status;
    if (!watched(fd, &status))
        return syscall(SYS_pwrite64, fd, bytes, length, offset);
    return after_write(before_write(fd, &status, offset, length) ? syscall(SYS_pwrite64, fd, bytes, length, offset) : -1);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return pwrite64(fd, bytes, length, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    struct stat status;
    if (!watched(fd, &status))
        return syscall(SYS_writev, fd, parts, count);
    return after_write(before_write(fd, &status, position(fd, &status), total(parts, count)) ? syscall(SYS_writev, fd, parts, count) : -1);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
    struct stat status;
    if (!watched(fd, &status))
        return syscall(SYS_pwritev, fd, parts, count, offset, 0L);
    return after_write(before_write(fd, &status, offset, total(parts, count)) ? syscall(SYS_pwritev, fd, parts, count, offset, 0L) : -1);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return pwritev64(fd, parts, count, offset);
}

int ftruncate64(int fd, off_t size)
{
    struct stat status;
    if (!watched(fd, &status))
        return (int)syscall(SYS_ftruncate, fd, size);
    return (int)after_write(before_write(fd, &status, size, size < status.st_size ? (size_t)(status.st_size - size) : 0) ? syscall(SYS_ftruncate, fd, size) : -1);
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

static void forget_blocks(struct file *file)
{
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        while (file->blocks[bucket] != NULL) {
            struct block *block = file->blocks[bucket];
            file->blocks[bucket] = block->next;
            free(block);
        }
    }
}

static int has_blocks(const struct file *file)
{
    for (size_t bucket = 0; bucket < BUCKETS; bucket++)
        if (file->blocks[bucket] != NULL)
            return 1;
    return 0;
}

static int sync_with(long call, int fd)
{
    struct stat status;
    struct file *file;
    int result;
    if (!watched(fd, &status))
        return (int)syscall(call, fd);
    pthread_mutex_lock(&lock);
    file = find(&status);
    if (lost_mode && call == SYS_fdatasync && file != NULL && has_blocks(file) && fails() &&
        ++syncs % cut_after == 0) {
        lose(file);
        forget_blocks(file);
        errno = EIO;
        return (int)after_write(-1);
    }
    result = (int)syscall(call, fd);
    if (result == 0 && file != NULL && fstat(fd, &status) == 0) {
        file->synced_size = status.st_size;
        forget_blocks(file);
    }
    return (int)after_write(result);
}

int fsync(int fd)
{
    return sync_with(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_with(SYS_fdatasync, fd);
}
