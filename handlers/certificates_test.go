package handlers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"testing"
	"time"
)

// selfSigned is a certificate of that serial number.
func selfSigned(t testing.TB, serial int64) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key}
}

// TestACertificateIsExchangedForNewConnections and open ones stay open.
func TestACertificateIsExchangedForNewConnections(t *testing.T) {
	t.Parallel()
	certificate := NewCertificate(selfSigned(t, 1))
	socket := listen(t)
	server := NewServer(saying("ok"), Timeouts{}, certificate, quiet)
	go func() { _ = server.ServeTLS(socket, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	connect := func() *tls.Conn {
		connection, err := tls.Dial("tcp", socket.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = connection.Close() })
		return connection
	}
	expect := func(connection *tls.Conn, serial int64) {
		t.Helper()
		if got := connection.ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != serial {
			t.Errorf("the certificate is number %d, want %d", got, serial)
		}
	}
	before := connect()
	expect(before, 1)
	certificate.Set(selfSigned(t, 2))
	expect(connect(), 2)
	if _, err := before.Write([]byte("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := before.Read(make([]byte, 1)); err != nil {
		t.Errorf("the connection from before: %v", err)
	}
}
