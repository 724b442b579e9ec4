using Google.Protobuf;
using Grpc.Core;

namespace CsiThin.Driver.Tests.Rpc;

/// <summary>The service of echo.proto, written as for Grpc.AspNetCore.</summary>
internal sealed class EchoService(EchoJournal journal) : Echo.EchoBase
{
    public override async Task<Note> Say(Note request, ServerCallContext context)
    {
        journal.Record(context);
        var headers = new Metadata();
        foreach (var entry in context.RequestHeaders.Where(e => e.Key.StartsWith("x-", StringComparison.Ordinal)))
        {
            headers.Add(entry);
            var key = "trailer-" + entry.Key;
            context.ResponseTrailers.Add(entry.IsBinary ? new Metadata.Entry(key, entry.ValueBytes) : new Metadata.Entry(key, entry.Value));
        }

        if (headers.Count > 0)
        {
            await context.WriteResponseHeadersAsync(headers);
        }

        return request;
    }

    public override Task<Note> Fetch(Note request, ServerCallContext context) =>
        Task.FromResult(new Note { Data = ByteString.CopyFrom(new byte[request.Number]) });

    public override Task<Note> Fail(Note request, ServerCallContext context) =>
        throw new RpcException(new Status((StatusCode)request.Number, request.Text), new Metadata { { "why", "as asked" } });

    public override Task<Note> Crash(Note request, ServerCallContext context) =>
        request.Text == "null" ? Task.FromResult<Note>(null!) : throw new InvalidOperationException("the password is swordfish");

    public override async Task<Note> Wait(Note request, ServerCallContext context)
    {
        await journal.WaitForCancellationAsync(context);
        return request;
    }

    public override async Task<Note> Linger(Note request, ServerCallContext context)
    {
        journal.Record(context);
        await journal.LetGo.Task;
        journal.Lingered.TrySetResult();
        return request;
    }

    public override async Task Count(Note request, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        for (var i = 0; i < request.Number; i++)
        {
            await responseStream.WriteAsync(new Note { Number = i, Data = request.Data });
        }

        switch (request.Text)
        {
            case "wait":
                await journal.WaitForCancellationAsync(context);
                break;
            case "fail":
                throw new RpcException(new Status(StatusCode.DataLoss, "lost after the messages"));
        }
    }

    public override async Task<Note> Sum(IAsyncStreamReader<Note> requestStream, ServerCallContext context)
    {
        var sum = 0;
        await foreach (var note in requestStream.ReadAllAsync(context.CancellationToken))
        {
            sum += note.Number;
        }

        return new Note { Number = sum };
    }

    public override async Task Chat(
        IAsyncStreamReader<Note> requestStream, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        while (await requestStream.MoveNext())
        {
            await responseStream.WriteAsync(requestStream.Current);
        }
    }
}
