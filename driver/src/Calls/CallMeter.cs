using System.Diagnostics.Metrics;
using Grpc.Core;

namespace CsiThin.Driver.Calls;

/// <summary>
/// Counts the calls of one API and how long they take. Labels are methods and gRPC codes, so that their number is bounded. Any thread may
/// call.
/// </summary>
internal sealed class CallMeter : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _calls;
    private readonly Histogram<double> _durations;

    /// <summary>Makes the instruments of <paramref name="api"/>, such as "CSI": its lower-case form is part of their names.</summary>
    public CallMeter(string api)
    {
        var name = $"csithin.{api.ToLowerInvariant()}";
        _meter = new Meter($"CsiThin.{api}");
        _calls = _meter.CreateCounter<long>($"{name}.calls", "{call}", $"{api} calls answered, by method and gRPC code.");
        _durations = _meter.CreateHistogram<double>($"{name}.call.duration", "s", $"Time a {api} call took, by method and gRPC code.");
    }

    /// <summary>One call of <paramref name="method"/> has ended.</summary>
    public void Record(string method, StatusCode code, TimeSpan duration)
    {
        var methodTag = new KeyValuePair<string, object?>("method", method);
        var codeTag = new KeyValuePair<string, object?>("code", code.ToString());
        _calls.Add(1, methodTag, codeTag);
        _durations.Record(duration.TotalSeconds, methodTag, codeTag);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
