from sgns_study.params import *
from sgns_study.params import check_study, read_parameters, read_study, all_keys, explain
