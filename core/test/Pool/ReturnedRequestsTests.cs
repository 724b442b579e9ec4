using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;
using CsiThin.Core.Pool;
using Xunit;

namespace CsiThin.Core.Tests.Pool;

/// <summary>How a queue's owner hears of requests that other threads have finished.</summary>
public sealed class ReturnedRequestsTests
{
    private const int Adders = 3;
    private const int RequestsEach = 20_000;

    [Fact]
    public void All_come_back_and_nobody_is_woken_for_nothing_but_by_a_signal_that_came_late()
    {
        using var returned = new ReturnedRequests();
        using var poll = new PollSet(1);
        poll.Set(0, returned.Descriptor, PollSet.Readable);
        using var turn = new SemaphoreSlim(Adders);
        var threads = Enumerable.Range(0, Adders).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < RequestsEach; i++)
            {
                turn.Wait();
                returned.Add(new BlockRequest());
            }
        })).ToList();
        threads.ForEach(static thread => thread.Start());
        var (requests, lists, empty) = (0, 0, 0);
        while (requests < Adders * RequestsEach)
        {
            Assert.True(poll.Wait(60_000), $"nothing came for a minute, after {requests}");
            var list = returned.TakeAll();
            _ = list is null ? empty++ : lists++;
            for (; list is not null; list = list.Next)
            {
                requests++;
                turn.Release();
            }
        }
        threads.ForEach(static thread => thread.Join());
        Assert.Equal(Adders * RequestsEach, requests);
        Assert.InRange(empty, 0, lists);
    }

    [Fact]
    public void A_signal_that_is_drained_with_another_list_does_not_leave_its_own_behind()
    {
        using var returned = new ReturnedRequests();
        using var poll = new PollSet(1);
        poll.Set(0, returned.Descriptor, PollSet.Readable);
        Assert.Null(returned.TakeAll());
        for (var round = 0; round < 3; round++)
        {
            var (first, second) = (new BlockRequest(), new BlockRequest());
            returned.Add(first);
            returned.Add(second);
            Assert.True(poll.Wait(0));
            var list = returned.TakeAll();
            Assert.Same(second, list);
            Assert.Same(first, list!.Next);
            Assert.Null(first.Next);
            Assert.False(poll.Wait(0));
            Assert.Null(returned.TakeAll());
        }
    }
}
