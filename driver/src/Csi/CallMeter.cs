using System.Diagnostics.Metrics;
using Grpc.Core;

namespace CsiThin.Driver.Csi;

/// <summary>Counts CSI calls and how long they take. Labels are methods of CSI and gRPC codes, so that their number is bounded.</summary>
internal sealed class CallMeter : IDisposable
{
    private readonly Meter _meter = new("CsiThin.Csi");
    private readonly Counter<long> _calls;
    private readonly Histogram<double> _durations;

    /// <summary>Makes the instruments.</summary>
    public CallMeter()
    {
        _calls = _meter.CreateCounter<long>("csithin.csi.calls", "{call}", "CSI calls answered, by method and gRPC code.");
        _durations = _meter.CreateHistogram<double>("csithin.csi.call.duration", "s", "Time a CSI call took, by method and gRPC code.");
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
