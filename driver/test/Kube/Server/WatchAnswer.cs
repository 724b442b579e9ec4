using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>One open watch: tells each change of its selection behind a revision, in order, with the faults wanted.</summary>
internal sealed class WatchAnswer(HttpContext context, ApiRequest request, ApiStore store, Misbehaviour faults)
{
    private readonly Selectors _selectors = new(context.Request.Query["labelSelector"], context.Request.Query["fieldSelector"]);
    private long _revision = long.Parse(context.Request.Query["resourceVersion"].FirstOrDefault() ?? "0", CultureInfo.InvariantCulture);

    private bool _owesBookmark;

    public async Task RunAsync(CancellationToken ends)
    {
        if (_revision == 0)
            _revision = store.Revision;
        if (store.Since(_revision).Changes is null && faults.ExpiresByCode)
            throw ApiProblem.Expired();
        context.Response.ContentType = "application/json";
        await context.Response.StartAsync(ends);
        await context.Response.Body.FlushAsync(ends);
        while (true)
        {
            var stirred = faults.Stirred.Task;
            if (faults.IsDown)
            {
                context.Abort();
                return;
            }

            var (changes, revision, next) = store.Since(_revision);
            if (changes is null)
            {
                await WriteAsync("ERROR", ApiProblem.Expired().ToStatus(), ends);
                return;
            }

            foreach (var change in changes)
            {
                if (!await TellAsync(change, ends))
                    return;
            }

            _revision = revision;
            if (_owesBookmark)
                await BookmarkAsync(ends);
            await Task.WhenAny(next, stirred).WaitAsync(ends);
            _owesBookmark = stirred.IsCompleted;
        }
    }

    /// <summary>False: the watch is over.</summary>
    private async Task<bool> TellAsync(ApiHistory change, CancellationToken ends)
    {
        if (EventOf(change) is not var (type, value))
            return true;
        switch (faults.OnChange(request))
        {
            case WatchFault.End:
                return false;
            case WatchFault.Cut:
                context.Abort();
                return false;
            case WatchFault.HalfLine:
                var line = Line(type, value);
                await SendAsync(line[..(line.Length / 2)], ends);
                return false;
            case WatchFault.Garbage:
                await SendAsync("{\"type\":\"MODI\n", ends);
                return true;
            case WatchFault.Expired:
                await WriteAsync("ERROR", ApiProblem.Expired().ToStatus(), ends);
                return false;
            case WatchFault.Silence:
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ends);
                return false;
            case WatchFault.Twice:
                await WriteAsync(type, value, ends);
                break;
            case WatchFault.Bookmark:
                await WriteAsync(type, value, ends);
                _revision = change.Revision;
                await BookmarkAsync(ends);
                return true;
        }

        await WriteAsync(type, value, ends);
        return true;
    }

    private (string Type, JsonObject Value)? EventOf(ApiHistory change)
    {
        if (change.Key.Plural != request.Resource.Plural || change.Key.Group != request.Resource.Group)
            return null;
        if (request.Namespace is not null && change.Key.Namespace != request.Namespace)
            return null;
        var was = change.Before is not null && _selectors.Match(change.Before);
        var isNow = change.After is not null && _selectors.Match(change.After);
        return (was, isNow) switch
        {
            (false, true) => ("ADDED", change.After!),
            (true, true) => ("MODIFIED", change.After!),
            (true, false) => ("DELETED", change.After ?? change.Before!),
            _ => null,
        };
    }

    private async Task BookmarkAsync(CancellationToken ends)
    {
        var value = new JsonObject
        {
            ["kind"] = request.Resource.Kind,
            ["apiVersion"] = request.Resource.ApiVersion,
            ["metadata"] = new JsonObject { ["resourceVersion"] = _revision.ToString(CultureInfo.InvariantCulture) },
        };
        await WriteAsync("BOOKMARK", value, ends);
        faults.CountBookmark();
    }

    private static string Line(string type, JsonObject value) =>
        new JsonObject { ["type"] = type, ["object"] = value.DeepClone() }.ToJsonString() + "\n";

    private Task WriteAsync(string type, JsonObject value, CancellationToken ends) => SendAsync(
        Line(type, type == "ERROR" || type == "BOOKMARK" ? value : TableView.Shown(context.Request, request.Resource, value)), ends);

    private async Task SendAsync(string text, CancellationToken ends)
    {
        await context.Response.WriteAsync(text, ends);
        await context.Response.Body.FlushAsync(ends);
    }
}
