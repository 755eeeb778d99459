// Command reach tells, within five seconds, whether an http, https or file URL can be
// read. When it cannot, the reason is its first line, and its exit code is 1. It goes
// through the proxy that the environment names, as Go's tools do.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := reach(os.Args[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func reach(url string) error {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.RegisterProtocol("file", http.NewFileTransport(http.Dir("/")))
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", answer.Request.URL.Redacted(), answer.Status)
	}
	return nil
}
