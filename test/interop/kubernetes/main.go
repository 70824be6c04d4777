// Answers how Kubernetes itself reads quantities and adds up the resources of a pod: one JSON question a line on standard input, one
// JSON answer a line on standard output. Amounts are nano-units in decimal.
//
//	{"quantity": "1.5Gi"}        → {"nanos": "1610612736000000000"} or {"refused": "…"}
//	{"pod": {…}}                 → {"spec": {"requests", "limits"}, "status": {…}, "podStatus": {…}}
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/big"
	"os"

	inf "gopkg.in/inf.v0"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helpers "k8s.io/component-helpers/resource"
)

type question struct {
	Quantity *string `json:"quantity"`
	Pod      *v1.Pod `json:"pod"`
}

// nanos is exact: every quantity that was read is a whole number of nano-units.
func nanos(quantity resource.Quantity) string {
	exact := new(inf.Dec).Set(quantity.AsDec())
	exact.Round(exact, 9, inf.RoundExact)
	whole := new(big.Int).Set(exact.UnscaledBig())
	return whole.String()
}

type amounts map[string]string

func amountsOf(list v1.ResourceList) amounts {
	all := amounts{}
	for name, quantity := range list {
		all[string(name)] = nanos(quantity)
	}
	return all
}

// both hands copies out: adding overhead to a pod-level quantity of many digits changes the pod itself.
func both(pod *v1.Pod, options helpers.PodResourcesOptions) map[string]amounts {
	return map[string]amounts{
		"requests": amountsOf(helpers.PodRequests(pod.DeepCopy(), options)),
		"limits":   amountsOf(helpers.PodLimits(pod.DeepCopy(), options)),
	}
}

func answer(line []byte) any {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return map[string]string{"refused": err.Error()}
	}
	if asked.Quantity != nil {
		quantity, err := resource.ParseQuantity(*asked.Quantity)
		if err != nil {
			return map[string]string{"refused": err.Error()}
		}
		return map[string]string{"nanos": nanos(quantity)}
	}
	pod := asked.Pod
	return map[string]any{
		"spec":   both(pod, helpers.PodResourcesOptions{}),
		"status": both(pod, helpers.PodResourcesOptions{UseStatusResources: true}),
		"podStatus": both(pod, helpers.PodResourcesOptions{
			UseStatusResources: true,
			InPlacePodLevelResourcesVerticalScalingEnabled: true,
		}),
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		text, err := json.Marshal(answer(lines.Bytes()))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		out.Write(append(text, '\n'))
	}
}
