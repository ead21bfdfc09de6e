// Package kerneltest tests implementations of the kernel contract.
package kerneltest

import (
	"testing"

	"example.com/dgram/internal/kernel"
)

// suite has the tests of the contract, for one system.
type suite struct{ system kernel.System }

// Test tests system against the contract of package kernel. It skips what the
// system does not support.
func Test(t *testing.T, system kernel.System) {
	s := suite{system}
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"ADatagramArrives", s.TestADatagramArrives},
		{"AnEmptyDatagramArrives", s.TestAnEmptyDatagramArrives},
		{"TheLargestDatagramArrivesWhole", s.TestTheLargestDatagramArrivesWhole},
		{"PartsAreOneDatagram", s.TestPartsAreOneDatagram},
		{"ABatchKeepsItsOrder", s.TestABatchKeepsItsOrder},
		{"DualStackShowsIPv4AsIPv4", s.TestDualStackShowsIPv4AsIPv4},
		{"IPv6OnlyLeavesThePortToIPv4", s.TestIPv6OnlyLeavesThePortToIPv4},
		{"TheDestinationIsTheSourceOfTheReply", s.TestTheDestinationIsTheSourceOfTheReply},
		{"ClassAndHopsArrive", s.TestClassAndHopsArrive},
		{"ADatagramHasItsOwnClassAndHops", s.TestADatagramHasItsOwnClassAndHops},
		{"AGroupsDatagramHasItsOwnHops", s.TestAGroupsDatagramHasItsOwnHops},
		{"ABatchKeepsClassesApart", s.TestABatchKeepsClassesApart},
		{"ADatagramThatCannotBeIsAnError", s.TestADatagramThatCannotBeIsAnError},
		{"ReceiveAsksTheSinkInOrder", s.TestReceiveAsksTheSinkInOrder},
		{"ReceiveIsIdleBeforeItWaits", s.TestReceiveIsIdleBeforeItWaits},
		{"ABlockCanBeTaken", s.TestABlockCanBeTaken},
		{"ReadMsgReadsAsNetDoes", s.TestReadMsgReadsAsNetDoes},
		{"ReadMsgsReadsAtLeastOne", s.TestReadMsgsReadsAtLeastOne},
		{"ADeadlineWakesAReader", s.TestADeadlineWakesAReader},
		{"CloseWakesAReader", s.TestCloseWakesAReader},
		{"AfterCloseEverythingIsClosed", s.TestAfterCloseEverythingIsClosed},
		{"ConnectingFiltersAndDisconnectingKeepsTheAddress", s.TestConnectingFiltersAndDisconnectingKeepsTheAddress},
		{"OpenConnects", s.TestOpenConnects},
		{"AnAddressInUseIsAnError", s.TestAnAddressInUseIsAnError},
		{"ReuseSharesThePort", s.TestReuseSharesThePort},
		{"ControlRunsBeforeBind", s.TestControlRunsBeforeBind},
		{"SendWaitSends", s.TestSendWaitSends},
		{"AFullBufferIsEAGAIN", s.TestAFullBufferIsEAGAIN},
		{"SendWaitStops", s.TestSendWaitStops},
		{"SendWaitThatWasStoppedBeforeSendsNothing", s.TestSendWaitThatWasStoppedBeforeSendsNothing},
		{"SendWaitWaitsForRoom", s.TestSendWaitWaitsForRoom},
		{"CloseWakesASender", s.TestCloseWakesASender},
		{"DiscardCounts", s.TestDiscardCounts},
		{"DiscardLeavesASharedBufferAlone", s.TestDiscardLeavesASharedBufferAlone},
		{"ASinkMaySendWhileTheSocketCloses", s.TestASinkMaySendWhileTheSocketCloses},
		{"CloseLeavesNobodyOnTheDescriptor", s.TestCloseLeavesNobodyOnTheDescriptor},
		{"OptionsAreReadBackAsSet", s.TestOptionsAreReadBackAsSet},
		{"BroadcastHasToBeAskedFor", s.TestBroadcastHasToBeAskedFor},
		{"UnsupportedOptionsSaySo", s.TestUnsupportedOptionsSaySo},
		{"ZonesAreNamesAndNumbers", s.TestZonesAreNamesAndNumbers},
		{"AnUnknownZoneIsAnError", s.TestAnUnknownZoneIsAnError},
		{"ASocketHearsTheGroupItIsBoundTo", s.TestASocketHearsTheGroupItIsBoundTo},
		{"ASocketHearsOnlyTheGroupsItJoined", s.TestASocketHearsOnlyTheGroupsItJoined},
		{"AdoptedSocketsAreWhatTheyWere", s.TestAdoptedSocketsAreWhatTheyWere},
		{"OnlyUDPSocketsAreAdopted", s.TestOnlyUDPSocketsAreAdopted},
		{"TryReceiveEmptiesTheQueue", s.TestTryReceiveEmptiesTheQueue},
		{"DrainDeliversWhatIsQueuedAndEnds", s.TestDrainDeliversWhatIsQueuedAndEnds},
		{"DrainWakesAReader", s.TestDrainWakesAReader},
		{"DiscardAfterDrainCountsWhatIsLeft", s.TestDiscardAfterDrainCountsWhatIsLeft},
		{"DisconnectLeavesNoTrace", s.TestDisconnectLeavesNoTrace},
		{"ConnectPassesOverWhatStrangersSent", s.TestConnectPassesOverWhatStrangersSent},
		{"DisconnectBesideSendersKeepsThePort", s.TestDisconnectBesideSendersKeepsThePort},
		{"AReaderThatWaitsHearsAfterDisconnect", s.TestAReaderThatWaitsHearsAfterDisconnect},
	} {
		t.Run(test.name, test.run)
	}
	s.unix(t)
}
