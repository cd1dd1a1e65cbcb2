package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// identity is what a server says of itself: two servers behind one address
// differ in at least one of these. A server's own id is zero where it has none,
// as the embedded one has; then the id of the ledger's table tells.
type identity struct{ host, port, server, ledger string }

// askIdentity needs rights on nothing. own is the database of the server's own tables.
func askIdentity(own string) string {
	database := "currentDatabase()"
	if own != "" {
		database = literal(own)
	}
	return `
	SELECT concat(hostName(), '\n', toString(tcpPort()), '\n', toString(serverUUID()), '\n',
		ifNull((SELECT toString(any(uuid)) FROM system.tables WHERE database = ` + database + ` AND name = 'ingest_files'), ''))`
}

const noUUID = "00000000-0000-0000-0000-000000000000"

func parseIdentity(text string) (identity, error) {
	f := strings.Split(text, "\n")
	if len(f) != 4 {
		return identity{}, fmt.Errorf("asking the server for its identity: got %q", text)
	}
	for i := range f {
		f[i] = strings.Replace(f[i], noUUID, "", 1)
	}
	return identity{f[0], f[1], f[2], f[3]}, nil
}

func (i identity) String() string {
	s := i.host + ":" + i.port
	if i.server != "" {
		s += " (" + i.server + ")"
	}
	if i.ledger != "" {
		s += " with the ledger " + i.ledger
	}
	return s
}

// OtherServerError reports that the store's address leads to more than one
// server, of which each has rows and a ledger of its own.
type OtherServerError struct{ Addr, First, Other string }

// Error names both servers and says what to do.
func (e *OtherServerError) Error() string {
	return fmt.Sprintf("%s leads to more than one server, first %s, then %s: rows and ledger would be split between them; "+
		"name one server in the address, or the cluster whose shards they are (cluster=NAME)", e.Addr, e.First, e.Other)
}

// pin is the one server that a Server speaks to, from its first answer on.
type pin struct {
	own string // database of its own tables, where it is not the one in which is asked

	mu     sync.Mutex
	set    bool
	server identity
}

// admit pins the first server, and refuses any other. The tables may come about
// meanwhile, but not change or go.
func (p *pin) admit(addr string, found identity) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.set {
		p.set, p.server = true, found
		return nil
	}
	want := p.server
	if want.ledger == "" {
		want.ledger = found.ledger
	}
	if found != want { //guard:pinned
		return &OtherServerError{Addr: addr, First: p.server.String(), Other: found.String()}
	}
	p.server = want
	return nil
}

func (p *pin) pinned() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set
}

// greeting looks at a new connection before any statement travels over it.
type greeting func(ctx context.Context, conn asker) error

// asker is a connection that can be asked for one text.
type asker interface {
	text(ctx context.Context, query string) (string, error)
}

// ask asks the server behind a connection who it is, and admits it or not.
func (p *pin) ask(ctx context.Context, addr string, conn asker) error {
	text, err := conn.text(ctx, askIdentity(p.own))
	if errors.Is(err, sql.ErrNoRows) {
		return errCutShort
	}
	if err != nil {
		return fmt.Errorf("asking the server for its identity: %w", err)
	}
	found, err := parseIdentity(text)
	if err != nil {
		return err
	}
	return p.admit(addr, found)
}

// poolAsker is a connection of the pool.
type poolAsker struct{ driver.Conn }

func (a poolAsker) text(ctx context.Context, query string) (text string, err error) {
	err = a.QueryRow(ctx, query).Scan(&text)
	return text, err
}

// streamAsker is a connection for INSERTs.
type streamAsker struct{ *ch.Client }

func (a streamAsker) text(ctx context.Context, query string) (string, error) {
	var column proto.ColStr
	err := a.Do(ctx, ch.Query{Body: query, Result: proto.Results{{Data: &column}}})
	if err != nil || column.Rows() == 0 {
		return "", err
	}
	return column.First(), nil
}
