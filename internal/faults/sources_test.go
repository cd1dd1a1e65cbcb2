package faults

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rawlogs/internal/dirs"
	s3bucket "rawlogs/internal/dirs/bucket"
	"rawlogs/internal/dirs/hoapi"
	"rawlogs/internal/hasoffers"
	"rawlogs/internal/rawlog"
	"rawlogs/internal/sim/simnet"
	"rawlogs/internal/testkit"
)

// bucket is a source in a real S3 server.
type bucket struct {
	*rig
	storage *testkit.Storage
}

func (r *rig) bucket() *bucket {
	r.Helper()
	storage := testkit.S3(r)
	r.secrets = append(r.secrets, storage.AccessKey, storage.SecretKey)
	return &bucket{r, storage}
}

func (b *bucket) put(name string, body []byte) { b.storage.Put(name, body) }

func (b *bucket) source() dirs.Source { return b.through(b.storage.Client) }

func (b *bucket) through(client *s3.Client) dirs.Source {
	return s3bucket.New(s3bucket.Location{Bucket: b.storage.Bucket}, s3bucket.Config{Client: client})
}

// sourceBy lists straight from the server and downloads by another client.
func (b *bucket) sourceBy(client *s3.Client) dirs.Source {
	return opener{b.source(), b.through(client)}
}

// opener lists one source and opens its files by another.
type opener struct {
	dirs.Source
	by dirs.Source
}

func (o opener) Open(ctx context.Context, f rawlog.File, offset int64, etag string) (*dirs.Body, error) {
	return o.by.Open(ctx, f, offset, etag)
}

// api is a simulated network as the source, its token and links canaries.
type api struct {
	*rig
	net    *testkit.Network
	client *hasoffers.Client
}

func (r *rig) api() *api {
	r.Helper()
	net := testkit.Simnet(r, simnet.Config{Token: "CANARY-token/" + r.Name(), Limit: 10_000})
	r.secrets = append(r.secrets, "CANARY", net.Storage.AccessKey, net.Storage.SecretKey)
	client, err := hasoffers.New(hasoffers.Config{
		NetworkID: net.ID(), Auth: hasoffers.NetworkToken(net.Token()), BaseURL: net.URL,
		Calls: 1000, Attempts: 3, Backoff: time.Millisecond, Timeout: 2 * time.Second, Log: r.said.log(),
	})
	if err != nil {
		r.Fatal(err)
	}
	return &api{r, net, client}
}

func (a *api) put(name string, hour int, body []byte) {
	a.Helper()
	if _, err := a.net.PublishBytes(a.Context(), rawlog.Clicks, name, hourOf(hour), body); err != nil {
		a.Fatal(err)
	}
}

// publish puts n hours of clicks and returns their names.
func (a *api) publish(n int) []string {
	a.Helper()
	var names []string
	for i := range n {
		name, body := a.clicks(i, 10+i)
		a.put(name, i, body)
		names = append(names, name)
	}
	return names
}

// source is the network, which keeps for ever what it has.
func (a *api) source() dirs.Source {
	return keeper{Source: a.expiring()}
}

// expiring is the network as it is: the logs of 2016 are over its retention.
func (a *api) expiring() dirs.Source {
	return hoapi.New(hoapi.Config{Client: a.client, Log: a.said.log()})
}

// keeper is a source that keeps files for so many days, or does not say.
type keeper struct {
	dirs.Source
	days map[rawlog.Type]int
	err  error
}

func (k keeper) Retention(context.Context) (map[rawlog.Type]int, error) { return k.days, k.err }

// kept is for how many days clicks are kept.
func kept(days int) map[rawlog.Type]int { return map[rawlog.Type]int{rawlog.Clicks: days} }

// watch counts every file's rows all the while, as analysts might, until the
// returned function is called: none may ever have more rows than it should, and
// no line twice.
func (r *rig) watch(most map[string]int) (stop func()) {
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	polls := 0
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ; ctx.Err() == nil; <-tick.C {
			r.look(ctx, most)
			polls++
		}
	}()
	return func() {
		r.Helper()
		cancel()
		<-done
		if polls == 0 {
			r.Error("nobody looked at the store")
		}
	}
}

func (r *rig) look(ctx context.Context, most map[string]int) {
	rows, err := r.st.Conn().Query(ctx, "SELECT toString(_file), count(), uniqExact(_line) FROM clicks WHERE network = ? GROUP BY _file", r.network)
	if err != nil {
		if ctx.Err() == nil {
			r.Errorf("an analyst's query: %v", err)
		}
		return
	}
	defer rows.Close()
	for rows.Next() {
		var file string
		var n, lines uint64
		if err := rows.Scan(&file, &n, &lines); err != nil {
			r.Error(err)
			return
		}
		if m, ok := most[file]; n != lines || ok && n > uint64(m) {
			r.Errorf("a query saw %d rows on %d lines of %s, which never has more than %d", n, lines, file, m)
		}
	}
	if err := rows.Err(); err != nil && ctx.Err() == nil {
		r.Errorf("an analyst's query: %v", err)
	}
}

// putter is a source that files can be put into.
type putter interface {
	put(name string, body []byte)
	source() dirs.Source
}

// eachSource runs a scenario on the sources whose listings tell size and tag.
func eachSource(t *testing.T, scenario func(r *rig, src putter)) {
	t.Helper()
	t.Parallel()
	db := newDatabase(t)
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		r := db.rig(t)
		scenario(r, r.folder())
	})
	t.Run("bucket", func(t *testing.T) {
		t.Parallel()
		r := db.rig(t)
		scenario(r, r.bucket())
	})
}
