package disk

import "golang.org/x/sys/unix"

func of(folder string) (Space, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return Space{}, err
	}
	return Space{
		Free:   s.Bavail * uint64(s.Bsize), //nolint:gosec // a block's size is positive
		Memory: s.Type == unix.TMPFS_MAGIC || s.Type == unix.RAMFS_MAGIC,
		Known:  true,
	}, nil
}
