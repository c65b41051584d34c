package authz

import (
	"testing"

	"ostiary/pipeline/internal/pipelinetest"
)

func TestHandlers(t *testing.T) { pipelinetest.Handlers(t, Handlers) }
