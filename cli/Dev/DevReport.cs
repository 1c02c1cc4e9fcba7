using Brokkr.Apis;
using Brokkr.Cli.Logging;
using Brokkr.Controller;
using Brokkr.Core.Contract.Wire;

namespace Brokkr.Cli.Dev;

/// <summary>Tells a person what the control plane says: all of it at the start, later what has changed.</summary>
internal sealed class DevReport(DevConsole console)
{
    private readonly Lock _lock = new();
    private ControlPlaneReport _last = new(0, [], []);
    private bool _started;

    /// <summary>Prints everything, and how to try it.</summary>
    /// <param name="contract">What is served.</param>
    public void Start(Contract? contract)
    {
        lock (_lock)
        {
            var report = _last;
            foreach (var problem in report.Problems)
            {
                Print(problem);
            }

            if (report.Statuses.Count == 0)
            {
                console.Text(
                    "There is no Broker, Trigger or KafkaSink in the folder yet. Put YAML files there: they are read as soon as they are saved."
                );
            }

            foreach (var status in report.Statuses)
            {
                console.Text(Line(status));
                foreach (var note in status.Notes)
                {
                    console.Text(console.Paint(Tone.Faint, $"    note: {note}"));
                }
            }

            if (report.Statuses.FirstOrDefault(status => status.Address is not null)?.Address is { } address)
            {
                console.Text(
                    $"""

                    Send an event:
                      curl -i {address} -H 'ce-specversion: 1.0' -H 'ce-id: 1' -H 'ce-source: /me' \
                        -H 'ce-type: {ExampleEvent.TypeFor(
                        contract,
                        new Uri(address).AbsolutePath
                    )}' -H 'content-type: application/json' -d {'\''}{"{\"hello\":\"world\"}"}{'\''}

                    """
                );
            }

            _started = true;
        }
    }

    /// <summary>Takes a report; after the start, prints what is other than before.</summary>
    public void Change(ControlPlaneReport report)
    {
        lock (_lock)
        {
            if (!_started)
            {
                _last = report;
                return;
            }

            foreach (var problem in report.Problems.Except(_last.Problems))
            {
                Print(problem);
            }

            foreach (var solved in _last.Problems.Except(report.Problems))
            {
                console.Line(Tone.Good, $"solved: {solved}");
            }

            var before = new Dictionary<ObjectKey, ObjectStatus>();
            foreach (var status in _last.Statuses)
            {
                before[status.Key] = status;
            }

            foreach (var status in report.Statuses)
            {
                if (!before.Remove(status.Key, out var old) || !string.Equals(Line(old), Line(status), StringComparison.Ordinal))
                {
                    console.Line(Tone.Plain, Line(status));
                }

                foreach (var note in status.Notes.Except(old?.Notes ?? [], StringComparer.Ordinal))
                {
                    console.Line(Tone.Faint, $"note: {status.Key}: {note}");
                }
            }

            foreach (var gone in before.Keys)
            {
                console.Line(Tone.Plain, $"{gone} is gone");
            }

            _last = report;
        }
    }

    private void Print(FileProblem problem) => console.Line(problem.IsError ? Tone.Error : Tone.Warning, problem.ToString());

    private string Line(ObjectStatus status)
    {
        var state = status.Ready switch
        {
            ConditionState.True => console.Paint(Tone.Good, "ready"),
            ConditionState.False => console.Paint(Tone.Error, "not ready"),
            _ => console.Paint(Tone.Warning, "waiting"),
        };
        var where =
            status.Address is { } address ? $"POST {address}"
            : status.Subscriber is { } subscriber ? $"-> {subscriber}"
            : "";
        if (status.Broker is { } broker)
        {
            where = $"{broker} {where}";
        }

        if (status.DeadLetterSink is { } deadLetters && status.Broker is not null)
        {
            where += $", dead letters -> {deadLetters}";
        }

        var why = string.Join(": ", new[] { status.Reason, status.Message }.Where(text => text.Length > 0));
        return $"{status.Key.Kind, -9} {status.Key.ObjectName.ToString(), -24} {state}  {where}{(why.Length > 0 ? $"  ({why})" : "")}".TrimEnd();
    }
}
