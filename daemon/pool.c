/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_SIZE sizeof(struct kvp_record)

/* Records read at once when searching: 40 KiB, so a full pool is 64 reads. */
#define BLOCK_RECORDS 16

/* How often another program may replace the file between our opening and locking it. */
#define OPEN_TRIES 4

struct pool {
	enum pool_mode mode;
	int copy; /* POOL_PRIVATE: the copy in memory, once there is one */
	char path[PATH_MAX];
	struct kvp_record block[BLOCK_RECORDS];
	struct kvp_record record; /* one being moved */
	struct kvp_record undo;   /* what a failed write puts back */
};

/* The file during one operation, open and locked. */
struct file {
	int fd;
	off_t size;
	size_t n_records;
	bool borrowed; /* the private copy: stays open */
};

static void file_close(struct file *f)
{
	if (f->fd >= 0 && !f->borrowed)
		close(f->fd); /* drops both locks */
}

static off_t record_offset(size_t index)
{
	return (off_t)(index * RECORD_SIZE);
}

/* Bytes read, fewer only at the end of the file; or a negative errno. */
static ssize_t read_at(int fd, void *to, size_t size, off_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)to + done, size - done, offset + (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			done += (size_t)n;
	}
	return (ssize_t)done;
}

static int write_at(int fd, const void *from, size_t size, off_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, (const char *)from + done, size - done,
				   offset + (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* A whole record that the file's size promised. -EIO: somebody without a lock cut it off. */
static int read_record(const struct file *f, size_t index, struct kvp_record *ret)
{
	ssize_t n = read_at(f->fd, ret, RECORD_SIZE, record_offset(index));

	if (n < 0)
		return (int)n;
	return (size_t)n == RECORD_SIZE ? 0 : -EIO;
}

static int check_regular(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return 0;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	return -ENOTSUP;
}

/* Both locks, in the order of libazureinit-kvp; closing gives them back. */
static int lock_file(int fd, bool write)
{
	struct flock whole = { .l_type = write ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };

	if (flock(fd, (write ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (fcntl(fd, F_OFD_SETLK, &whole) < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	return 0;
}

/* 0, or -ESTALE: the name has gone to another file, or nowhere, since fd was opened. */
static int check_name(const struct pool *p, const struct stat *opened)
{
	struct stat now;

	if (lstat(p->path, &now) < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	if (now.st_dev != opened->st_dev || now.st_ino != opened->st_ino)
		return -ESTALE;
	return 0;
}

static int set_size(struct file *f, off_t size)
{
	f->size = size;
	f->n_records = (size_t)size / RECORD_SIZE;
	return f->n_records > POOL_RECORDS_SANE ? -EFBIG : 0;
}

/* O_NONBLOCK: a FIFO in the file's place must not hold up the daemon before it is refused. */
static int open_once(const struct pool *p, bool write, struct file *ret)
{
	_cleanup_(file_close) struct file f = { .fd = -1 };
	struct stat st;
	int r;

	f.fd = open(p->path, (write ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				     O_CLOEXEC);
	if (f.fd < 0)
		return -errno;
	if (fstat(f.fd, &st) < 0)
		return -errno;
	r = check_regular(&st);
	if (r < 0)
		return r;
	r = lock_file(f.fd, write);
	if (r < 0)
		return r;
	/* Again, for the size: a writer may have finished just before we had the lock. */
	if (fstat(f.fd, &st) < 0)
		return -errno;
	r = check_name(p, &st);
	if (r < 0)
		return r;
	r = set_size(&f, st.st_size);
	if (r < 0)
		return r;

	*ret = f;
	f.fd = -1;
	return 0;
}

/* -EEXIST: somebody else was faster. */
static int create_file(const struct pool *p)
{
	int fd, r = 0;

	fd = open(p->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	/* The umask must not hide the file from the programs that read it. */
	if (fchmod(fd, 0644) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int open_disk(const struct pool *p, bool write, bool create, struct file *ret)
{
	int r = -ESTALE;

	for (int i = 0; i < OPEN_TRIES && r == -ESTALE; i++) {
		r = open_once(p, write, ret);
		if (r == -ENOENT && create) {
			r = create_file(p);
			if (r == 0 || r == -EEXIST)
				r = -ESTALE;
		}
	}
	return r == -ESTALE ? -EAGAIN : r;
}

/* Copies the file as it is now; a missing one is an empty one. */
static int copy_to_memory(struct pool *p)
{
	_cleanup_(file_close) struct file from = { .fd = -1 };
	_cleanup_(file_close) struct file to = { .fd = -1 };
	off_t done = 0;
	int r;

	r = open_disk(p, false, false, &from);
	if (r < 0 && r != -ENOENT)
		return r;
	to.fd = memfd_create("kvp_pool", MFD_CLOEXEC);
	if (to.fd < 0)
		return -errno;
	while (done < from.size) {
		ssize_t n = read_at(from.fd, p->block, sizeof(p->block), done);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		r = write_at(to.fd, p->block, (size_t)n, done);
		if (r < 0)
			return r;
		done += n;
	}

	p->copy = TAKE_FD(to.fd);
	return 0;
}

static int open_copy(const struct pool *p, struct file *ret)
{
	struct file f = { .fd = p->copy, .borrowed = true };
	struct stat st;
	int r;

	if (fstat(f.fd, &st) < 0)
		return -errno;
	r = set_size(&f, st.st_size);
	if (r == 0)
		*ret = f;
	return r;
}

/* -ENOENT: there is no file, which to a reader is an empty one. */
static int open_to_read(const struct pool *p, struct file *ret)
{
	return p->copy >= 0 ? open_copy(p, ret) : open_disk(p, false, false, ret);
}

static int open_to_write(struct pool *p, bool create, struct file *ret)
{
	int r;

	if (p->mode == POOL_SHARED)
		return open_disk(p, true, create, ret);
	if (p->copy < 0) {
		r = copy_to_memory(p);
		if (r < 0)
			return r;
	}
	return open_copy(p, ret);
}

/* The text of a field as it is shown: at most size - 1 bytes, the rest of `to` zero. */
static void copy_text(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	memset(to + len, 0, size - len);
}

/* Compares the key as it is shown, so that whatever was enumerated can be found and removed. */
static bool key_is(const struct kvp_record *record, const char *key)
{
	size_t len = strnlen(record->key, KVP_KEY_SIZE - 1);

	return strnlen(key, KVP_KEY_SIZE) == len && memcmp(record->key, key, len) == 0;
}

/* 0 and the first record with this key in *ret and *ret_index, -ENOENT, or an error. */
static int find_first(struct pool *p, const struct file *f, const char *key, size_t *ret_index,
		      const struct kvp_record **ret)
{
	for (size_t base = 0; base < f->n_records; base += BLOCK_RECORDS) {
		size_t want = f->n_records - base;
		ssize_t n;

		if (want > BLOCK_RECORDS)
			want = BLOCK_RECORDS;
		n = read_at(f->fd, p->block, want * RECORD_SIZE, record_offset(base));
		if (n < 0)
			return (int)n;
		for (size_t i = 0; i < (size_t)n / RECORD_SIZE; i++) {
			if (!key_is(&p->block[i], key))
				continue;
			*ret_index = base + i;
			*ret = &p->block[i];
			return 0;
		}
	}
	return -ENOENT;
}

int pool_get(struct pool *p, struct kvp_record *record)
{
	_cleanup_(file_close) struct file f = { .fd = -1 };
	const struct kvp_record *found;
	size_t index;
	int r;

	r = open_to_read(p, &f);
	if (r < 0)
		return r;
	r = find_first(p, &f, record->key, &index, &found);
	if (r < 0)
		return r;
	copy_text(record->value, found->value, KVP_VALUE_SIZE);
	return 0;
}

int pool_enumerate(struct pool *p, uint32_t index, struct kvp_record *ret)
{
	_cleanup_(file_close) struct file f = { .fd = -1 };
	int r;

	r = open_to_read(p, &f);
	if (r == -ENOENT || (r == 0 && index >= f.n_records))
		return -ENODATA;
	if (r < 0)
		return r;
	r = read_record(&f, index, &p->record);
	if (r < 0)
		return r;
	copy_text(ret->key, p->record.key, KVP_KEY_SIZE);
	copy_text(ret->value, p->record.value, KVP_VALUE_SIZE);
	return 0;
}

/* The records from base on that one block holds. */
static int each_of_block(struct pool *p, const struct file *f, size_t base,
			 int (*each)(void *user, const struct kvp_record *record), void *user)
{
	size_t want = f->n_records - base;
	ssize_t n;

	if (want > BLOCK_RECORDS)
		want = BLOCK_RECORDS;
	n = read_at(f->fd, p->block, want * RECORD_SIZE, record_offset(base));
	if (n < 0)
		return (int)n;
	for (size_t i = 0; i < (size_t)n / RECORD_SIZE; i++) {
		int r;

		copy_text(p->record.key, p->block[i].key, KVP_KEY_SIZE);
		copy_text(p->record.value, p->block[i].value, KVP_VALUE_SIZE);
		r = each(user, &p->record);
		if (r != 0)
			return r;
	}
	return 0;
}

int pool_each(struct pool *p, int (*each)(void *user, const struct kvp_record *record), void *user)
{
	_cleanup_(file_close) struct file f = { .fd = -1 };
	int r = open_to_read(p, &f);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t base = 0; base < f.n_records && r == 0; base += BLOCK_RECORDS)
		r = each_of_block(p, &f, base, each, user);
	return r;
}

/* Writes over what is there, or appends; puts the old bytes and the old length back on failure. */
static int write_record(struct pool *p, const struct file *f, size_t index,
			const struct kvp_record *record)
{
	off_t offset = record_offset(index);
	ssize_t old;
	int r;

	old = read_at(f->fd, &p->undo, RECORD_SIZE, offset);
	if (old < 0)
		return (int)old;
	r = write_at(f->fd, record, RECORD_SIZE, offset);
	if (r < 0) {
		(void)write_at(f->fd, &p->undo, (size_t)old, offset);
		if (f->size < offset + (off_t)RECORD_SIZE)
			(void)!ftruncate(f->fd, f->size);
	}
	return r;
}

int pool_set(struct pool *p, const struct kvp_record *record)
{
	_cleanup_(file_close) struct file f = { .fd = -1 };
	const struct kvp_record *found;
	size_t index;
	int r;

	r = open_to_write(p, true, &f);
	if (r < 0)
		return r;
	r = find_first(p, &f, record->key, &index, &found);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT) {
		index = f.n_records;
		if (index >= POOL_RECORDS_MAX)
			return -ENOSPC;
	}
	copy_text(p->record.key, record->key, KVP_KEY_SIZE);
	copy_text(p->record.value, record->value, KVP_VALUE_SIZE);
	return write_record(p, &f, index, &p->record);
}

/*
 * Copies one record over another, value first. When this is called the key at `to` is either the
 * one being removed or already in the file further up, where a search finds it first; so a copy
 * that stops half way never shows a key with a wrong value. The key itself is one aligned 512-byte
 * block, which a killed process leaves old or new.
 */
static int copy_record(struct pool *p, const struct file *f, size_t from, size_t to)
{
	int r;

	r = read_record(f, from, &p->record);
	if (r < 0)
		return r;
	r = write_at(f->fd, p->record.value, KVP_VALUE_SIZE,
		     record_offset(to) + (off_t)offsetof(struct kvp_record, value));
	if (r < 0)
		return r;
	return write_at(f->fd, p->record.key, KVP_KEY_SIZE, record_offset(to));
}

static bool records_are_equal(struct pool *p, const struct file *f, size_t a, size_t b)
{
	return read_record(f, a, &p->block[0]) == 0 && read_record(f, b, &p->block[1]) == 0 &&
	       memcmp(&p->block[0], &p->block[1], RECORD_SIZE) == 0;
}

/* Undoes shift_down that failed on its way to `reached`; p->undo is the record at index. */
static void shift_back(struct pool *p, const struct file *f, size_t index, size_t reached)
{
	for (size_t i = reached; i > index; i--)
		/* What could not be written may still be right: the failed write never got there.
		 * Else this ends here, with each record in the file and one of them twice. */
		if (copy_record(p, f, i - 1, i) < 0 && !records_are_equal(p, f, i - 1, i))
			return;
	(void)write_at(f->fd, &p->undo, RECORD_SIZE, record_offset(index));
}

/* Moves all records behind index down by one, lowest first: the next record is overwritten only
 * when its copy is complete, so at any moment each of them is in the file. */
static int shift_down(struct pool *p, const struct file *f, size_t index)
{
	int r;

	r = read_record(f, index, &p->undo);
	if (r < 0)
		return r;
	for (size_t i = index; i + 1 < f->n_records; i++) {
		r = copy_record(p, f, i + 1, i);
		if (r < 0) {
			shift_back(p, f, index, i);
			return r;
		}
	}
	return 0;
}

/* Makes the file n records long. When records were moved for that, the shorter length must not reach
 * the disk before they do. */
static int shorten(struct file *f, size_t n, bool moved)
{
	if (moved && fdatasync(f->fd) < 0)
		return -errno;
	if (ftruncate(f->fd, record_offset(n)) < 0)
		return -errno;
	return set_size(f, record_offset(n));
}

static int remove_at(struct pool *p, struct file *f, size_t index)
{
	bool last = index + 1 == f->n_records;
	int r;

	r = shift_down(p, f, index);
	return r < 0 ? r : shorten(f, f->n_records - 1, !last);
}

/*
 * Takes away the records of this key behind the first, all in one pass: the others move down, lowest
 * first, by as many as were left out before. Where this fails on its way the key is still there, and
 * so is every other record, some of them twice.
 */
static int remove_duplicates(struct pool *p, struct file *f, size_t first, const char *key)
{
	size_t to = first + 1;
	bool moved = false;

	for (size_t from = to; from < f->n_records; from++) {
		int r = read_record(f, from, &p->record);

		if (r < 0)
			return r;
		if (key_is(&p->record, key))
			continue;
		if (from != to) {
			r = copy_record(p, f, from, to);
			if (r < 0)
				return r;
			moved = true;
		}
		to++;
	}
	return to == f->n_records ? 0 : shorten(f, to, moved);
}

/* The first goes last: a failure before leaves it, which get shows. */
int pool_remove(struct pool *p, const char *key)
{
	_cleanup_(file_close) struct file f = { .fd = -1 };
	const struct kvp_record *found;
	size_t first;
	int r;

	r = open_to_write(p, false, &f);
	if (r < 0)
		return r;
	r = find_first(p, &f, key, &first, &found);
	if (r < 0)
		return r;
	r = remove_duplicates(p, &f, first, key);
	if (r < 0)
		return r;
	return remove_at(p, &f, first);
}

int pool_create(struct pool *p)
{
	_cleanup_(file_close) struct file f = { .fd = -1 };
	int r;

	if (p->mode == POOL_PRIVATE)
		return 0;
	r = create_file(p);
	if (r != -EEXIST)
		return r;
	/* Somebody who holds a lock now has a usable file. */
	r = open_disk(p, false, false, &f);
	return r == -EAGAIN ? 0 : r;
}

int pool_new(const char *directory, unsigned number, enum pool_mode mode, struct pool **ret)
{
	struct pool *p;
	int n;

	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->mode = mode;
	p->copy = -1;
	n = snprintf(p->path, sizeof(p->path), "%s/.kvp_pool_%u", directory, number);
	if (n < 0 || (size_t)n >= sizeof(p->path)) {
		pool_free(p);
		return -ENAMETOOLONG;
	}

	*ret = p;
	return 0;
}

struct pool *pool_free(struct pool *p)
{
	if (!p)
		return NULL;
	if (p->copy >= 0)
		close(p->copy);
	free(p);
	return NULL;
}
